//! The stand-in of HDFS in the lab: nobody needs to call it by hand.

use std::path::PathBuf;
use std::process::exit;

use anyhow::Result;
use clap::Parser;
use heartbeat_tests::hdfs::{namenode, shell, tool};

/// What stands for which program of a machine with HDFS.
#[derive(Parser)]
enum Standin {
    /// A NameNode with that folder
    Namenode { folder: PathBuf },
    /// `hdfs`, on the node with that folder
    Hdfs {
        folder: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// sshd, until that folder is gone
    Sshd { folder: PathBuf },
    /// `ssh`
    Ssh {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

fn main() -> Result<()> {
    match Standin::parse() {
        Standin::Namenode { folder } => namenode::run(&folder),
        Standin::Hdfs { folder, words } => tool::run(&folder, &words),
        Standin::Sshd { folder } => shell::serve(&folder),
        Standin::Ssh { words } => exit(shell::ask_for(&words)),
    }
}
