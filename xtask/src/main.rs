//! `cargo xtask`: builds, tests and shows heartbeatd. One file a subcommand.

mod bench;
mod build_ebpf;
mod copied;
mod demo;
mod dist;
mod fuzz;
mod kernels;
mod lab;
mod man;
mod mutants;
mod no_starts;
mod packages;
mod search;
mod soak;
mod tally;
mod test;
mod tool;
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
    /// Show a cluster on this machine that loses its master in four ways
    Demo(demo::Options),
    /// Build the packages for Debian and Fedora
    Dist(dist::Options),
    /// Write the manual pages and shell completions in packaging/ anew
    Man,
    /// Take out one safety line after the other, and see that a check notices
    Mutants(mutants::Options),
    /// Search the election's states: all of small clusters, random ones of larger ones
    Search(search::Options),
    /// Test everything, and say what was skipped and why
    Test(test::Options),
    /// Let thousands of clusters live through faults in the simulator
    Soak(soak::Options),
    /// Measure real daemons
    Bench(bench::Options),
    /// Throw bytes made by a fuzzer at what reads frames, datagrams, requests, files and events
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::BuildEbpf(options) => build_ebpf::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Dist(options) => dist::run(&options),
        Command::Man => man::run(),
        Command::Mutants(options) => mutants::run(&options),
        Command::Search(options) => search::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
