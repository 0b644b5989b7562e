//! The command line of heartbeatctl.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::{DEFAULT_CONFIG, DEFAULT_CONTROL, DEFAULT_KEY_FILE};
use crate::tune::Wanted;

/// Asks the heartbeatd on this machine what it knows, and tells it what to do.
///
/// Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 4 `status` knows no master; 69 the daemon cannot
/// be reached; 77 no permission; 78 the configuration is wrong.
#[derive(Clone, Debug, Parser)]
#[command(name = "heartbeatctl", version)]
pub struct Args {
    /// Control socket of the daemon to ask
    #[arg(long, value_name = "SOCKET", default_value = DEFAULT_CONTROL, global = true)]
    pub control: PathBuf,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Who is master, who answers, who holds the addresses (exit code 4 when no master is known)
    Status {
        /// As JSON, with durations in microseconds
        #[arg(long)]
        json: bool,
    },

    /// The cluster at a glance, refreshed: on a terminal, until `q`
    ///
    /// Arrows choose a member, enter shows its detail: ages, round trips, what the kernel counted. Where there is no
    /// terminal: exit code 2.
    Top,

    /// Why this node is or is not master, and what would change it
    Explain,

    /// Role changes of this node and what its services and hooks did, oldest first, and how long each step of a takeover
    /// lasted
    History {
        /// What happened to the whole cluster instead, as its masters wrote it down: masterships, what each saw differently
        /// from the one before, alarms
        #[arg(long)]
        cluster: bool,

        /// As JSON, with durations in microseconds
        #[arg(long)]
        json: bool,
    },

    /// Alarms in force, since when and what to do, and who heard of them: delivered, waiting, failing with what error
    Alarms {
        /// What else to do
        #[command(subcommand)]
        action: Option<AlarmsAction>,

        /// As JSON, with durations in microseconds
        #[arg(long, global = true)]
        json: bool,
    },

    /// Hand mastership to another node, in order; ask the master's daemon
    ///
    /// The virtual addresses move within about 2 ms, without waiting for a lease to end.
    Switchover {
        /// Slot to hand mastership to (1 to 10000); by default the successor that `status` names
        #[arg(long, value_name = "SLOT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        to: Option<u16>,
    },

    /// Have the daemon read its configuration file again, and go by it: all of it, or nothing
    ///
    /// Answers once it is in force. A file that is wrong, or asks for what only a restart can change, is refused, with
    /// the keys and the cure. No mastership moves by it.
    Reload,

    /// Check a configuration file and its key file, and say what it would change (exit code 78: it is wrong)
    CheckConfig {
        /// The file to check
        #[arg(value_name = "FILE", default_value = DEFAULT_CONFIG)]
        file: PathBuf,

        /// Every difference from what the daemon goes by, and whether a reload applies it (exit code 1: a reload would
        /// be refused)
        #[arg(long)]
        diff: bool,

        /// As JSON
        #[arg(long, requires = "diff")]
        json: bool,
    },

    /// Look at this machine: what on it stands in the way of a fast and safe failover, and what to do (exit code 1: a fault)
    ///
    /// Kernel, clock, how late a real-time thread runs, interfaces, settings, who else configures them, firewall, and what
    /// the daemon says if one runs. It only looks: nothing is set, attached or sent. Run it as the user that heartbeatd runs
    /// as, in its network namespace.
    Doctor {
        /// The configuration to go by
        #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
        config: PathBuf,

        /// Be the member in this slot (1 to 10000); by default found by its management address
        #[arg(long, value_name = "SLOT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        slot: Option<u16>,

        /// How long to watch the processor, in seconds (1 to 600)
        #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
        seconds: u16,

        /// As JSON
        #[arg(long)]
        json: bool,
    },

    /// Which period and multiplier this network and this machine carry, by what the kernel and the pulse counted (exit
    /// code 1: the counts are too few to say)
    ///
    /// Ask every elector, each while it is no master, and take the longest lease. Nothing is set.
    Tune {
        /// How many failovers without a failure are borne in the whole cluster: a number and hour, day, week, month or year
        #[arg(long, value_name = "RATE", default_value = "1/year")]
        false_failovers: Wanted,

        /// As JSON
        #[arg(long)]
        json: bool,
    },

    /// Everything for a report of a fault in one file, without secrets
    ///
    /// What the daemon and the doctor say, the configuration, kernel, interfaces, settings, maps, the journal's end. Key and
    /// token files are left out, and arguments of programs, users and webhooks' paths are taken out. Parts that could not be
    /// had are named with the reason: the daemon may be dead. Look into it before you send it.
    Bundle {
        /// The archive to write (.tar.gz), which must not exist; by default one of this host and time in this folder
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,

        /// The configuration to go by
        #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
        config: PathBuf,

        /// Be the member in this slot (1 to 10000); by default found by its management address
        #[arg(long, value_name = "SLOT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        slot: Option<u16>,

        /// The daemon's folder of pinned maps; by default /sys/fs/bpf/heartbeatd/<cluster>
        #[arg(long, value_name = "DIR")]
        bpf_dir: Option<PathBuf>,

        /// The end of the recorder's file too ([recorder]), with every address and message of the election
        #[arg(long)]
        record: bool,
    },

    /// Have the daemon exit for the next one, keeping mastership: for its upgrade
    ///
    /// On a master the other nodes first grant a longer lease (`restart_lease`), which the next heartbeatd takes
    /// up; if no majority grants it, nothing is done. Who starts the next one is the service manager.
    Restart,

    /// Make this node master without a majority, when one is gone for good; asks for the cluster's name
    ///
    /// Nothing keeps a second master away then but you: every other node that could serve must be off, or cut
    /// off from the clients. Refused while a master is known, a grant of this node's is in force, or a majority
    /// answers. `status` says `forced` until a majority grants again. A wrong name changes nothing (exit code 2).
    Promote {
        /// That no majority stands behind it
        #[arg(long, required = true)]
        force: bool,

        /// The cluster's name, for scripts: nothing is asked then
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },

    /// Members and electors: which set is in force, what the configuration file proposes, how far a change is
    Members {
        /// What to do with what the file proposes
        #[command(subcommand)]
        action: Option<MembersAction>,

        /// As JSON, with durations in microseconds
        #[arg(long)]
        json: bool,
    },

    /// What every node is: host, versions, interfaces and drivers, boot; asked of each now, or as it last said
    Nodes {
        /// As JSON, with durations in microseconds
        #[arg(long)]
        json: bool,
    },

    /// The cluster's dynamic information: small values that every later master has, under keys
    ///
    /// A write is answered when a majority of the electors has it on disk. It goes through the master, whichever node is
    /// asked; so do reads, unless they ask for the node's own copy. Keys that begin with heartbeatd/ are the product's own.
    Info {
        /// What to do
        #[command(subcommand)]
        action: InfoAction,
    },

    /// Keep this node from becoming master, for work on it; a master hands over first
    ///
    /// The node goes on answering and voting.
    Maintenance {
        /// Begin or end it
        state: OnOff,
    },

    /// Which pinned map holds what, with the bpftool line that dumps it
    Maps {
        /// As JSON
        #[arg(long)]
        json: bool,
    },

    /// Write a new cluster key of 256 random bits, to be copied to every node
    ///
    /// The file is made with mode 0600. One that exists is never touched.
    Keygen {
        /// Key file to write
        #[arg(long, value_name = "FILE", default_value = DEFAULT_KEY_FILE)]
        out: PathBuf,
    },

    /// Make a heartbeatd.toml of keepalived's configuration, and say what of it could not be carried over
    ///
    /// Convert the file of the machine that is to be master first, and copy the result to all. What keepalived's file does
    /// not know (addresses of other machines, a third that votes) is a placeholder that `heartbeatd --check` refuses.
    Convert {
        /// keepalived's configuration; what it includes is read too
        #[arg(value_name = "FILE", default_value = "/etc/keepalived/keepalived.conf")]
        file: PathBuf,

        /// The file to write, which must not exist; by default the standard output, and the report the standard error
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,

        /// Whose lines beginning with @ count (keepalived's --config-id); by default this host's
        #[arg(long, value_name = "ID")]
        config_id: Option<String>,

        /// Address of the third machine that votes with two
        #[arg(long, value_name = "ADDRESS")]
        witness: Option<IpAddr>,
    },

    /// Step the election through what a daemon recorded ([recorder] in its configuration), and show each decision with
    /// its reason
    ///
    /// No daemon is asked. The older file beside FILE (FILE.1) is read first if it is there. Each command must come
    /// out of the election as it was recorded; the first that does not ends it (exit code 1), and so does a damaged
    /// file. Times are UTC, and since the record's first entry.
    Replay {
        /// The record, or a copy of it
        #[arg(value_name = "FILE")]
        file: PathBuf,

        /// Every event and command, and not only those that decide something
        #[arg(long)]
        all: bool,

        /// One JSON object a line, with durations in microseconds
        #[arg(long)]
        json: bool,
    },

    /// Remove what a dead daemon left: its virtual addresses, then its kernel programs and maps
    ///
    /// Afterwards this node's kernel answers no heartbeats. Refused while the daemon lives. Run it in the
    /// daemon's network namespace.
    Detach {
        /// Configuration that names the cluster; not needed with --bpf-dir
        #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
        config: PathBuf,

        /// The daemon's folder of pinned maps and links; by default /sys/fs/bpf/heartbeatd/<cluster>
        #[arg(long, value_name = "DIR")]
        bpf_dir: Option<PathBuf>,
    },
}

/// What to do with alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum AlarmsAction {
    /// Send a test alarm to every sink, and say how each took it (exit code 1: one did not)
    Test,
}

/// What to do with the dynamic information.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum InfoAction {
    /// Write a value to the standard output, as it is (exit code 1: there is none)
    Get {
        /// Its key
        key: String,

        /// From this node's own copy, which may lag behind the master's
        #[arg(long)]
        local: bool,

        /// As JSON, with its revision
        #[arg(long)]
        json: bool,
    },

    /// Store a value of at most 1 MiB
    ///
    /// If the answer is lost with the master, it says that it is not known whether it was written: read, or write again with
    /// a condition.
    Put {
        /// Its key: 1 to 512 bytes, without control characters
        key: String,

        /// The value
        #[arg(required_unless_present = "file")]
        value: Option<String>,

        /// Take the value from this file; - is the standard input
        #[arg(long, value_name = "FILE", conflicts_with = "value")]
        file: Option<PathBuf>,

        /// On what condition
        #[command(flatten)]
        only: InfoOnly,
    },

    /// Delete a value
    Delete {
        /// Its key
        key: String,

        /// On what condition
        #[command(flatten)]
        only: InfoOnlyRevision,
    },

    /// Entries whose keys begin so, in the keys' order
    List {
        /// Beginning of the keys; all without it
        #[arg(default_value = "")]
        prefix: String,

        /// From this node's own copy, which may lag behind the master's
        #[arg(long)]
        local: bool,

        /// As JSON, with whole values
        #[arg(long)]
        json: bool,
    },

    /// Changes of keys that begin so, one JSON object a line, until it is ended
    Watch {
        /// Beginning of the keys; all without it
        #[arg(default_value = "")]
        prefix: String,

        /// From behind this revision; from now on without it (exit code 1: it is too old to be kept)
        #[arg(long, value_name = "REVISION")]
        since: Option<u64>,
    },

    /// Have the master go on without the stores that are silent; ask the master's daemon
    ///
    /// For when their disks are gone for good, or in a cluster whose other electors were never started. What only they hold
    /// is lost, acknowledged or not. A wrong name changes nothing (exit code 2).
    Force {
        /// The cluster's name, for scripts: nothing is asked then
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
    },

    /// How this node's store is, and on the master whose store counts, lags or is refilled
    Store {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// On what condition a value is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct InfoOnly {
    /// Only if this is the entry's newest change (exit code 1: it is not)
    #[arg(long, value_name = "REVISION", conflicts_with = "if_absent")]
    pub if_revision: Option<u64>,

    /// Only if there is no such entry (exit code 1: there is)
    #[arg(long)]
    pub if_absent: bool,
}

/// On what condition a value is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct InfoOnlyRevision {
    /// Only if this is the entry's newest change (exit code 1: it is not)
    #[arg(long, value_name = "REVISION")]
    pub if_revision: Option<u64>,
}

/// What to do with the proposed electors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum MembersAction {
    /// Put the electors and max_lease of the master's configuration file in force, one elector at a time; ask the
    /// master's daemon
    ///
    /// Refused, before anything is changed, unless majorities of the electors before and after each step answer
    /// healthily. The master stays master all the while.
    Apply,
}

/// Begin or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Begin
    On,
    /// End
    Off,
}
