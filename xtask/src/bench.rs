//! `cargo xtask bench`: measurements on real daemons in a lab.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{build_ebpf, lab};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Outage of the client when the master is lost, and when mastership is moved (about ten minutes)
    Failover {
        /// How often each fault is repeated
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
        repetitions: u16,
        /// Where the JSON goes [default: target/bench/failover.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Outage of a pair's client, beside that of a lock in ZooKeeper (some minutes)
    Pair {
        /// How often each fault is repeated
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
        repetitions: u16,
        /// Where the JSON goes [default: target/bench/pair.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Cost of a frame by verdict, and what answering in the kernel is worth (some minutes)
    Datapath {
        /// Where the JSON goes [default: target/bench/datapath.json]
        #[arg(long)]
        json: Option<PathBuf>,
        /// Measures these parts only: frames, gate, roundtrip, tcp, idle
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Acknowledged writes of dynamic information at 3 and 5 electors, beside etcd (a minute)
    Info {
        /// Where the JSON goes [default: target/bench/info.json]
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// What a master of 10, 100, 1,000 and 10,000 members does, and how soon it misses one (some minutes)
    Scale {
        /// Where the JSON goes [default: target/bench/scale.json]
        #[arg(long)]
        json: Option<PathBuf>,
        /// Measures these numbers of members only
        #[arg(long, value_delimiter = ',')]
        only: Vec<u16>,
    },
}

/// Runs it.
///
/// # Errors
/// Something is missing, or a cluster did not come to life again.
pub(crate) fn run(options: &Options) -> Result<()> {
    let repeated = |what: &str, times: u16| {
        vec![
            what.to_owned(),
            "--repetitions".to_owned(),
            times.to_string(),
        ]
    };
    let (mut arguments, json) = match &options.what {
        What::Failover { repetitions, json } => (repeated("failover", *repetitions), json),
        What::Pair { repetitions, json } => {
            lab::need_rights()?;
            lab::need_tools_for_rival()?;
            (repeated("pair", *repetitions), json)
        }
        What::Datapath { json, only } => {
            lab::need_rights()?;
            build_ebpf::run(&build_ebpf::Options::default())?;
            build_ebpf::run_for_bench()?;
            let mut arguments = vec!["datapath".to_owned()];
            if !only.is_empty() {
                arguments.extend(["--only".to_owned(), only.join(",")]);
            }
            (arguments, json)
        }
        What::Info { json } => {
            lab::need_rights()?;
            lab::need_etcd()?;
            (vec!["info".to_owned()], json)
        }
        What::Scale { json, only } => {
            lab::need_rights()?;
            let mut arguments = vec!["scale".to_owned()];
            if !only.is_empty() {
                let only: Vec<String> = only.iter().map(u16::to_string).collect();
                arguments.extend(["--only".to_owned(), only.join(",")]);
            }
            (arguments, json)
        }
    };
    if let Some(file) = json {
        arguments.extend(["--json".to_owned(), file.display().to_string()]);
    }
    lab::run_program("lab-bench", &arguments)
}
