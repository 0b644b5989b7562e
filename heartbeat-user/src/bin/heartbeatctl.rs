//! heartbeatctl: asks the heartbeatd on this machine what it knows, and tells it what to do.

use std::process::ExitCode;

use clap::Parser;
use heartbeat_user::{cli, ctl};

fn main() -> ExitCode {
    ctl::run(cli::ctl::Args::parse())
}
