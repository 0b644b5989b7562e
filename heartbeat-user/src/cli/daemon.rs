//! The command line of heartbeatd.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::Parser;
use heartbeat_wire::maps::LAYOUT;

use super::{DEFAULT_CONFIG, DEFAULT_CONTROL, DEFAULT_STATE};

/// What `--version` says. A daemon of another map layout cannot take a lease up: packages compare it before they
/// restart one.
static LONG_VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{}\nmap layout {LAYOUT}", env!("CARGO_PKG_VERSION")));

/// Keeps a cluster of Linux nodes with exactly one master.
///
/// heartbeatd answers the master's heartbeats inside the kernel, elects a new master when they stop, and
/// moves the virtual addresses to it. It runs as root, once for each cluster that this machine is part of.
/// TERM hands mastership over in order and ends it; a second TERM ends it at once.
#[derive(Clone, Debug, Parser)]
#[command(name = "heartbeatd", version, long_version = LONG_VERSION.as_str())]
pub struct Args {
    /// Configuration file, the same on every node
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub config: PathBuf,

    /// Be the member in this slot (1 to 10000)
    ///
    /// Without it the node is the member whose management address one of its interfaces has.
    #[arg(long, value_name = "SLOT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub slot: Option<u16>,

    /// Control socket, on which heartbeatctl asks
    ///
    /// Its folder is made if missing. Only the user that heartbeatd runs as may use it.
    #[arg(long, value_name = "SOCKET", default_value = DEFAULT_CONTROL)]
    pub control: PathBuf,

    /// Folder on a bpf file system for pinned maps and links, which outlive the daemon
    ///
    /// By default /sys/fs/bpf/heartbeatd/<cluster>. It is used as given, and made if missing.
    #[arg(long, value_name = "DIR")]
    pub bpf_dir: Option<PathBuf>,

    /// Folder for what must survive a reboot: highest epoch, electors' set, history
    ///
    /// It is made if missing. Never copy it to another node.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE)]
    pub state: PathBuf,

    /// Only check the configuration and its key file, name every error, and exit (0: good, 78: not)
    #[arg(long)]
    pub check: bool,
}
