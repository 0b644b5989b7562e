//! `cargo xtask demo`, once everything is built.

use std::process::ExitCode;

use clap::Parser;
use heartbeat_tests::demo::{self, What};

/// A cluster on this machine loses its master in four ways
#[derive(Parser)]
struct Options {
    /// Which cluster
    #[arg(value_enum, default_value_t)]
    what: What,
    /// Leave the lab running at the end, with the commands to look around in it
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    demo::run(options.what, options.keep).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
