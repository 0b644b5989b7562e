//! `cargo xtask demo`, once everything is built.

use std::process::ExitCode;

use clap::Parser;

/// A three-node cluster on this machine loses its master in four ways
#[derive(Parser)]
struct Options {
    /// Leave the lab running at the end, with the commands to look around in it
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    heartbeat_tests::demo::run(Options::parse().keep).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
