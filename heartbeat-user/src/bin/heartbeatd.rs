//! heartbeatd: keeps a cluster with exactly one master.

use std::process::ExitCode;

use clap::Parser as _;
use heartbeat_user::cli::daemon::Args;
use heartbeat_user::{daemon, exec};

fn main() -> ExitCode {
    exec::assume().unwrap_or_else(|| daemon::main(&Args::parse()))
}
