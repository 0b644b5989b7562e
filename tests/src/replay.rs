//! What `heartbeatctl replay` says of a record.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::paths;

/// Records of a failover, checked in.
pub const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/replayed");

/// The lines of a replay that came to the end of its record.
#[derive(Debug)]
pub struct Replayed {
    /// One object a line.
    pub lines: Vec<Value>,
}

impl Replayed {
    /// The role changes.
    pub fn role_changes(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line.get("from").is_some())
    }

    /// What it says of each gap.
    pub fn gaps(&self) -> impl Iterator<Item = &str> {
        let gaps = self.lines.iter().filter(|line| line["kind"] == "gap");
        gaps.filter_map(|line| line["what"].as_str())
    }

    /// The kind of each line.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line["kind"].as_str())
    }
}

/// Steps through a record.
///
/// # Errors
/// When the program is missing, or does not come to the end.
pub fn replay(file: &Path) -> Result<Replayed> {
    let output = run(file, &["--json"])?;
    ensure!(
        output.status.success(),
        "replay of {}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(Replayed {
        lines: lines.collect::<Result<_, _>>()?,
    })
}

/// Runs `heartbeatctl replay` on a file, whatever comes of it.
///
/// # Errors
/// When the program is missing.
pub fn run(file: &Path, arguments: &[&str]) -> Result<Output> {
    Command::new(paths::program("heartbeatctl")?)
        .arg("replay")
        .arg(file)
        .args(arguments)
        .output()
        .context("cannot run heartbeatctl")
}
