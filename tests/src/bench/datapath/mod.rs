//! `cargo xtask bench datapath`: what the kernel programs cost, and what they are worth.

mod asker;
mod case;
mod daemons;
mod frames;
mod ground;
mod object;
mod packets;
mod roundtrip;
mod tcp;
mod yardstick;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use heartbeat_user::sys::realtime::Priority;
use serde_json::{Map, Value, json};

use crate::lab::alone::Alone;

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// Of test runs: above everything that runs now and then, so that little of it is measured.
const PRIORITY: Priority = Priority::new(40);

/// One part's results.
struct Part {
    /// Its key in the JSON.
    name: &'static str,
    /// A table with its heading, as it can stand in a document.
    text: String,
    /// All figures.
    json: Value,
    /// What was aimed at, and what came of it.
    targets: Vec<Target>,
}

/// Measures one part.
type Measure = fn() -> Result<Part>;

/// A figure that was aimed at.
struct Target {
    what: String,
    measured: f64,
    bound: Bound,
}

/// On which side of what number a figure should lie.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtMost(most) => measured <= most,
            Self::AtLeast(least) => measured >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {most}"),
            Self::AtLeast(least) => format!("at least {least}"),
        }
    }
}

/// Measures everything, or what is named in `only`, prints the tables and writes the JSON.
///
/// # Errors
/// When something cannot be measured, or the file cannot be written, or no part has such a name. A target that
/// is missed is no error: the table says so.
pub fn datapath(file: &Path, only: &[String]) -> Result<()> {
    let _alone = Alone::wait()?;
    let parts: [(&str, &str, Measure); 5] = [
        ("frames", "frames by verdict", frames::measure),
        ("gate", "packets at the gate", packets::measure),
        ("roundtrip", "round trips", roundtrip::measure),
        ("tcp", "TCP through the gate", tcp::measure),
        ("idle", "idle daemons", daemons::measure),
    ];
    if let Some(unknown) = only
        .iter()
        .find(|name| parts.iter().all(|part| part.0 != **name))
    {
        bail!("no part of this benchmark is called {unknown}");
    }
    let mut measured = Vec::new();
    for (name, what, measure) in parts {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("{what} ...");
        let part = measure().with_context(|| what.to_owned())?;
        println!("{}", part.text);
        measured.push(part);
    }
    println!("{}", targets(&measured));
    let folder = file.parent().context("the result lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = serde_json::to_string_pretty(&to_json(&measured))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("the same as JSON: {}", file.display());
    Ok(())
}

/// Does it on a thread of its own, whose priority and processor end with it.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let working = scope.spawn(work);
        working
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn targets(parts: &[Part]) -> String {
    let mut text = "| aimed at | wanted | measured | |\n|---|---|---|---|\n".to_owned();
    for target in parts.iter().flat_map(|part| &part.targets) {
        let met = if target.bound.is_met(target.measured) {
            "met"
        } else {
            "missed"
        };
        text += &format!(
            "| {} | {} | {:.2} | {met} |\n",
            target.what,
            target.bound.text(),
            target.measured
        );
    }
    text
}

fn to_json(parts: &[Part]) -> Value {
    let mut all = Map::new();
    all.insert("schema".to_owned(), json!(SCHEMA));
    for part in parts {
        all.insert(part.name.to_owned(), part.json.clone());
    }
    let targets: Vec<Value> = parts
        .iter()
        .flat_map(|part| &part.targets)
        .map(|target| {
            json!({
                "what": target.what,
                "wanted": target.bound.text(),
                "measured": target.measured,
                "met": target.bound.is_met(target.measured),
            })
        })
        .collect();
    all.insert("targets".to_owned(), Value::Array(targets));
    Value::Object(all)
}
