//! The configuration: read from a file, checked as a whole, and from then on only valid values.

pub mod alarms;
pub mod change;
mod check;
mod digest;
pub mod duration;
mod fault;
mod file;
pub mod hooks;
pub mod http;
pub mod keys;
pub mod metrics;
mod own_slot;
mod program;
pub mod secret;
mod section;
pub mod service;
mod size;
mod value;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use alarms::Alarms;
pub use fault::ConfigErrors;
pub use heartbeat_core::config::{Handovers, Timing};
pub use hooks::Hooks;
pub use http::StatusPage;
pub use keys::ClusterKey;
pub use metrics::{Metrics, Textfile};
pub use own_slot::OwnSlotError;
pub use program::{Program, User};
pub use service::Service;

use fault::Fault;
use heartbeat_core::config as core;
use heartbeat_core::{ElectorSet, Slot, Slots};

/// Longest configuration file, in bytes: 10,000 members with long names need less than half.
const MAX_FILE_LEN: u64 = 8 * 1024 * 1024;

/// A cluster as its configuration file describes it; nothing in here needs to be checked again.
#[derive(Clone, Debug)]
pub struct Config {
    /// The cluster's name: 1 to 32 letters, digits, `-` and `_`.
    pub cluster: String,
    /// The name's number in every frame: the first 8 bytes of its BLAKE3 hash; never 0.
    pub cluster_id: u64,
    /// Where the keys were read from.
    pub key_file: PathBuf,
    /// One or two keys, newest first.
    pub keys: Vec<ClusterKey>,
    /// The electors' slots, ascending: 3 to 9, or both of a pair.
    pub electors: Vec<Slot>,
    /// Digest of the electors' slots and `max_lease`.
    pub elector_digest: u32,
    /// Digest of everything that must be equal on all nodes.
    pub digest: u64,
    /// The cluster's times.
    pub timing: Timing,
    /// After how long a healthy lower slot takes mastership back; `None`: never.
    pub preempt_after: Option<Duration>,
    /// The multicast group of the heartbeats; `None`: they go to each member by unicast.
    pub group: Option<IpAddr>,
    /// UDP port of the heartbeats.
    pub port: u16,
    /// UDP port of votes and commands.
    pub control_port: u16,
    /// TCP port of the links between daemons.
    pub replication_port: u16,
    /// How the responder is attached to the management interface.
    pub attach: Attach,
    /// What stands for the absent peer's vote, where two members are alone; `None`: a quorum decides.
    pub pair: Option<Pair>,
    /// Every member by its slot.
    pub members: BTreeMap<Slot, Member>,
    /// The virtual addresses, in the file's order.
    pub virtual_addresses: Vec<VirtualAddress>,
    /// Where the election is recorded, if it is.
    pub recorder: Option<Recorder>,
    /// What nodes watch besides each other, in the file's order.
    pub services: Vec<Service>,
    /// How often mastership may move for a fault's sake, at most 100 times within the window.
    pub handovers: Handovers,
    /// What is run when a node's role changes, if anything is.
    pub hooks: Option<Hooks>,
    /// What becomes of alarms besides being shown.
    pub alarms: Alarms,
    /// Where the status page is served, if it is.
    pub page: Option<StatusPage>,
    /// How its metrics are to be had, if they are.
    pub metrics: Option<Metrics>,
}

/// How the master is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By a majority of the electors.
    Quorum,
    /// By two members, one of which may have to do without the other.
    Pair,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Quorum, Self::Pair];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Pair => "pair",
        }
    }
}

/// What has to be shown before one of a pair serves without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The peer does not answer on the management network. Always required.
    ManagementSilent,
    /// Nor on the business network, where it was asked three times.
    BusinessSilent,
    /// A device that is not the peer answered what was asked after that.
    Reference,
    /// The fence command succeeded.
    Fence,
}

impl Evidence {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::ManagementSilent,
        Self::BusinessSilent,
        Self::Reference,
        Self::Fence,
    ];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManagementSilent => "management_silent",
            Self::BusinessSilent => "business_silent",
            Self::Reference => "reference",
            Self::Fence => "fence",
        }
    }
}

/// The evidence that a pair goes by, besides the peer's silence on the management network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Whether the peer must be silent on the business network too.
    pub business: bool,
    /// Devices on the business network of which a majority has to answer; none if none is required.
    pub references: Vec<IpAddr>,
    /// What makes sure that the peer is off, if that is required.
    pub fence: Option<Fence>,
}

impl Pair {
    fn for_core(&self) -> core::Mode {
        core::Mode::Pair(core::PairRules {
            business_silent: self.business,
            references: u8::try_from(self.references.len()).unwrap_or(u8::MAX),
            fence: self
                .fence
                .as_ref()
                .map(|fence| core::FenceRule { delay: fence.delay }),
        })
    }
}

/// The command that makes sure that the peer is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// What is run.
    pub program: Program,
    /// After which time it counts as failed and is killed: 1 s to 10 min.
    pub timeout: Duration,
    /// It waits so long times the own slot, so that two nodes do not switch each other off: at most 1 min.
    pub delay: Duration,
}

/// Where what happens to the election is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    /// The file; in the folder of the node's state unless its path begins at the root.
    pub file: PathBuf,
    /// Most bytes of this file and the older one beside it, 1 MiB to 1 TiB.
    pub max_size: u64,
}

/// One machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, unique in the cluster: 1 to 64 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where it is on the management network.
    pub management: Connection,
    /// Where it is on the business network, if it is.
    pub business: Option<Connection>,
    /// It answers and votes, and never becomes master.
    pub witness: bool,
}

/// A member's place on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its own address there.
    pub address: IpAddr,
    /// Its interface: 1 to 15 bytes.
    pub interface: String,
}

/// An address that moves with the master, or belongs to a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix, in bits. The address itself is added as a single one (/32).
    pub prefix: u8,
    /// Where it lives.
    pub place: Place,
    /// On which node.
    pub follows: Follows,
}

/// Which node has a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// The master, and nobody without the lease.
    Master,
    /// Whatever machine is in this slot, master or not.
    Slot(Slot),
    /// The same, by a lease, and the master while that machine is away.
    SlotElseMaster(Slot),
}

impl Follows {
    /// The slot that it belongs to.
    #[must_use]
    pub const fn slot(self) -> Option<Slot> {
        match self {
            Self::Master => None,
            Self::Slot(slot) | Self::SlotElseMaster(slot) => Some(slot),
        }
    }
}

/// Which interface of a node carries a virtual address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The member's management interface.
    Management,
    /// The member's business interface.
    Business,
    /// The interface of this name, on every node.
    Interface(String),
}

/// How heartbeats reach the other members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// All at once, by a group.
    Multicast,
    /// Each by itself.
    Unicast,
}

impl Transport {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Multicast, Self::Unicast];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Multicast => "multicast",
            Self::Unicast => "unicast",
        }
    }
}

/// How the XDP program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// In the driver where it can, else (and on a veth) in the kernel's generic hook; at tcx ingress where another XDP
    /// program is.
    Auto,
    /// In the driver, or the daemon does not start.
    Native,
    /// In the generic hook, which every interface has and which is slower.
    Generic,
    /// At tcx ingress, behind any XDP program that is there.
    Tc,
}

impl Attach {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Native, Self::Generic, Self::Tc];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Tc => "tc",
        }
    }
}

impl Config {
    /// The interface that carries `address` on the member in `slot`; `None` for one without business network.
    #[must_use]
    pub fn interface_of<'a>(&'a self, address: &'a VirtualAddress, slot: Slot) -> Option<&'a str> {
        let member = self.members.get(&slot)?;
        match &address.place {
            Place::Management => Some(&member.management.interface),
            Place::Business => member.business.as_ref().map(|b| b.interface.as_str()),
            Place::Interface(name) => Some(name),
        }
    }

    /// The electors' set that the file proposes, under this version.
    ///
    /// # Panics
    /// Never: a checked configuration has at most nine electors.
    #[must_use]
    pub fn elector_set(&self, version: u32) -> ElectorSet {
        ElectorSet {
            version,
            slots: Slots::new(self.electors.iter().copied()).expect("at most nine electors"),
            max_lease: self.timing.max_lease,
        }
    }

    /// The slots with an address that the master takes over while their machine is away.
    pub fn takeover(&self) -> impl Iterator<Item = Slot> + '_ {
        let addresses = self.virtual_addresses.iter();
        addresses.filter_map(|it| match it.follows {
            Follows::SlotElseMaster(slot) => Some(slot),
            Follows::Master | Follows::Slot(_) => None,
        })
    }

    /// What the election on the node in `slot` goes by, under this version of the electors' set.
    #[must_use]
    pub fn for_core(&self, slot: Slot, elector_version: u32) -> heartbeat_core::Config {
        let member = |(slot, member): (&Slot, &Member)| {
            let member = heartbeat_core::config::Member {
                elector: self.electors.contains(slot),
                witness: member.witness,
                business: member.business.is_some(),
            };
            (*slot, member)
        };
        heartbeat_core::Config {
            slot,
            members: self.members.iter().map(member).collect(),
            elector_version,
            elector_digest: self.elector_digest,
            config_digest: self.digest,
            timing: self.timing,
            preempt_after: self.preempt_after,
            handovers: self.handovers,
            mode: self
                .pair
                .as_ref()
                .map_or(core::Mode::Quorum, Pair::for_core),
            takeover: self.takeover().collect(),
        }
    }
}

/// Reads and checks a configuration file and the key file that it names.
///
/// # Errors
/// Everything that is wrong with it, at once. A file that is not TOML has all its syntax errors reported
/// and nothing else, since what the rest of it means would be a guess.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    let source = read(path).map_err(|fault| ConfigErrors::new(path, String::new(), vec![fault]))?;
    load_text(source, path)
}

/// The same with the text that stands, or is to stand, in that file.
///
/// # Errors
/// As [`load`].
pub fn load_text(source: String, path: &Path) -> Result<Config, ConfigErrors> {
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&source, folder).map_err(|faults| ConfigErrors::new(path, source, faults))
}

/// `heartbeatd --check`: one sentence that says what the file describes.
///
/// # Errors
/// As [`load`].
pub fn check_file(path: &Path) -> Result<String, ConfigErrors> {
    let config = load(path)?;
    Ok(format!(
        "{}: ok: cluster {} with {} members, {} of them electors, {} virtual addresses, lease {}, digest {:016x}",
        path.display(),
        config.cluster,
        config.members.len(),
        config.electors.len(),
        config.virtual_addresses.len(),
        duration::format(config.timing.lease()),
        config.digest,
    ))
}

fn read(path: &Path) -> Result<String, Fault> {
    let refused = |error: io::Error| {
        let cure = match error.kind() {
            io::ErrorKind::NotFound => "name the configuration file with --config",
            io::ErrorKind::PermissionDenied => "run as root, or let this user read the file",
            _ => "name a readable text file with --config",
        };
        Fault::of_file(format!("cannot read the file: {error}"), cure)
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes))
        .map_err(refused)?;
    if bytes.len() as u64 > MAX_FILE_LEN {
        let cause = format!("the file is longer than {MAX_FILE_LEN} bytes");
        return Err(Fault::of_file(
            cause,
            "name a configuration file with --config",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        Fault::of_file(format!("the file is no text: {error}"), "save it as UTF-8")
    })
}

fn parse(source: &str, folder: &Path) -> Result<Config, Vec<Fault>> {
    let (table, errors) = toml::de::DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        return Err(errors.iter().map(syntax).collect());
    }
    let mut faults = Vec::new();
    let file = file::File::read(table.get_ref(), &mut faults);
    match check::check(file, folder, &mut faults) {
        Some(config) if faults.is_empty() => Ok(config),
        Some(_) | None => Err(faults),
    }
}

fn syntax(error: &toml::de::Error) -> Fault {
    let cure = "correct the line; texts, addresses and durations stand in quotes";
    Fault::new(error.span().unwrap_or(0..0), error.message(), cure)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod tests_support;
