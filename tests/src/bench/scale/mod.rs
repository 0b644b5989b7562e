//! `cargo xtask bench scale`: what grows with the number of members at one real master, and what does not.

mod size;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use aya::sys::{Stats, enable_stats};
use serde_json::{Value, json};

use self::size::Size;
use crate::lab::alone::Alone;

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// How many members are measured; what grows is told against the first of them.
const SIZES: [u16; 4] = [10, 100, 1_000, 10_000];

/// Measures every size, or those in `only`, prints the table and writes the JSON.
///
/// # Errors
/// When a cluster does not come to life, or the file cannot be written. A target that is missed is no error: the table
/// says so.
pub fn scale(file: &Path, only: &[u16]) -> Result<()> {
    let _alone = Alone::wait()?;
    let _statistics = enable_stats(Stats::RunTime)?;
    let mut sizes = Vec::new();
    for members in SIZES {
        if only.is_empty() || only.contains(&members) {
            eprintln!("{members} members ...");
            let size = size::measure(members).with_context(|| format!("{members} members"))?;
            eprintln!("{}", size.to_json());
            sizes.push(size);
        }
    }
    println!("{}", table::table(&sizes));
    println!("{}", table::targets(&sizes));
    let folder = file.parent().context("the result lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let all: Vec<Value> = sizes.iter().map(Size::to_json).collect();
    let text = serde_json::to_string_pretty(&json!({"schema": SCHEMA, "sizes": all}))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("the same as JSON: {}", file.display());
    Ok(())
}
