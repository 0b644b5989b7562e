//! `cargo xtask bench`, once everything is built.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use heartbeat_tests::{bench, paths};

/// Measures what is measured on real daemons in a lab
#[derive(Parser)]
enum Bench {
    /// Outage of the client when the master is lost, and when mastership is moved
    Failover {
        /// How often each fault is repeated
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
        repetitions: u16,
        /// Where the JSON goes [default: target/bench/failover.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Outage of a pair's client, beside that of a lock in ZooKeeper
    Pair {
        /// How often each fault is repeated
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
        repetitions: u16,
        /// Where the JSON goes [default: target/bench/pair.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Cost of a frame by verdict, and what answering in the kernel is worth
    Datapath {
        /// Where the JSON goes [default: target/bench/datapath.json]
        #[arg(long)]
        json: Option<PathBuf>,
        /// Measures these parts only: frames, gate, roundtrip, tcp, idle
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Acknowledged writes of dynamic information, beside etcd
    Info {
        /// Where the JSON goes [default: target/bench/info.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// What a master of 10, 100, 1,000 and 10,000 members does, and how soon it misses one
    Scale {
        /// Where the JSON goes [default: target/bench/scale.json]
        #[arg(long)]
        json: Option<PathBuf>,
        /// Measures these numbers of members only
        #[arg(long, value_delimiter = ',')]
        only: Vec<u16>,
    },
}

fn main() -> ExitCode {
    match run(Bench::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: Bench) -> Result<()> {
    match wanted {
        Bench::Failover { repetitions, json } => {
            bench::failover(usize::from(repetitions), &place(json, "failover.json")?)
        }
        Bench::Pair { repetitions, json } => {
            bench::pair::pair(usize::from(repetitions), &place(json, "pair.json")?)
        }
        Bench::Datapath { json, only } => {
            bench::datapath::datapath(&place(json, "datapath.json")?, &only)
        }
        Bench::Info { json } => bench::info::info(&place(json, "info.json")?),
        Bench::Scale { json, only } => bench::scale::scale(&place(json, "scale.json")?, &only),
    }
}

/// Where a result goes: where the user wants it, or into the build folder.
fn place(wanted: Option<PathBuf>, name: &str) -> Result<PathBuf> {
    match wanted {
        Some(file) => Ok(file),
        None => Ok(paths::target_folder()?.join("bench").join(name)),
    }
}
