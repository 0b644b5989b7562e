//! `cargo xtask fuzz`: throws bytes at everything that reads what others wrote, guided by coverage.

use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{tool, workspace};

/// cargo-fuzz, which builds with libFuzzer and the address sanitizer.
const TOOL: &str = "fuzz";
/// The version that the targets were run with.
const TOOL_VERSION: &str = "0.13.2";
/// Bytes of the longest input: a configuration file of some members, a long story for the election.
const LONGEST: u32 = 8_192;

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this target: frame, datagram, request, config or core
    target: Option<String>,
    /// How long each one is tried, in minutes
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

/// Fuzzes every target, or one, and fails at the first finding, whose bytes are left in fuzz/artifacts.
///
/// # Errors
/// The tool cannot be installed or built with, or something was found.
pub(crate) fn run(options: &Options) -> Result<()> {
    tool::need(
        TOOL,
        TOOL_VERSION,
        "install a C++ compiler (package g++), which libFuzzer is built with",
    )?;
    let targets = match &options.target {
        Some(target) => vec![target.clone()],
        None => targets()?,
    };
    for target in targets {
        println!("== {target}");
        let time = format!("-max_total_time={}", options.minutes * 60);
        let length = format!("-max_len={LONGEST}");
        workspace::run(
            fuzz("run").args([&target, "--", &time, &length, "-print_final_stats=1"]),
            "the bytes that were found are in fuzz/artifacts; give them to the target as its only argument to see it \
             again",
        )?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let list = workspace::output(&mut fuzz("list")).context("cannot list the targets")?;
    Ok(list.lines().map(str::to_owned).collect())
}

/// The sanitizer's flags are unstable ones, which the pinned toolchain takes as a nightly would.
fn fuzz(subcommand: &str) -> Command {
    let mut command = workspace::cargo();
    command
        .args([TOOL, subcommand])
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(workspace::root());
    command
}
