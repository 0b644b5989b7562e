//! `cargo xtask search`: every schedule of small clusters and of three stores within printed bounds, and random ones of
//! larger ones.

use anyhow::Result;
use clap::Args;

use crate::workspace;

/// Options of `cargo xtask search`.
#[derive(Args)]
pub(crate) struct Options {
    /// Random steps of each walk
    #[arg(long, default_value_t = 100_000_000)]
    steps: u64,
    /// Seed of the random walks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Random runs of each campaign of the dynamic information's stores
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Only searches, walks and campaigns whose name has these words in it
    only: Option<String>,
}

/// Runs the searches, and says how many states there were.
///
/// # Errors
/// Something that must never happen can happen, or a search did not end.
pub(crate) fn run(options: &Options) -> Result<()> {
    let numbers = [options.steps.to_string(), options.seed.to_string()];
    search("heartbeat-search", &numbers, options)?;
    search(
        "heartbeat-store-proof",
        &[options.runs.to_string()],
        options,
    )
}

fn search(package: &str, numbers: &[String], options: &Options) -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["run", "--locked", "-p", package, "--"])
        .args(numbers)
        .args(&options.only)
        .current_dir(workspace::root());
    workspace::run(&mut command, "the last lines are the schedule to look at")
}
