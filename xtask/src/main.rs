//! `cargo xtask`: builds, tests and shows heartbeatd. One file a subcommand.

mod build_ebpf;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// heartbeatd's build and test commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the kernel programs, so that the next `cargo build` embeds them
    BuildEbpf(build_ebpf::Options),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::BuildEbpf(options) => build_ebpf::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
