//! heartbeatd: keeps a cluster with exactly one master.

use std::process::ExitCode;

use clap::Parser as _;
use heartbeat_user::cli::daemon::Args;
use heartbeat_user::daemon;

fn main() -> ExitCode {
    daemon::main(&Args::parse())
}
