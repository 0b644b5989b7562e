//! What can go wrong between the daemon and its kernel programs.

use std::io;
use std::path::PathBuf;

use aya::EbpfError;
use aya::maps::MapError;
use aya::pin::PinError;
use aya::programs::ProgramError;

use crate::net::netlink::NetlinkError;

/// Why the kernel programs could not be loaded, attached or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatapathError {
    /// This binary was built before the kernel program was.
    #[error("the kernel program is not built in: run `cargo xtask build-ebpf`, then build again")]
    NotBuiltIn,
    /// The programs of the last process are at work, and this one's are not loaded yet.
    #[error("the kernel programs are still being loaded; tried again until they are")]
    NotLoaded,
    /// The process may not use bpf(2).
    #[error(
        "no right to {what}: run as root, or give the process CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
    )]
    NoRights {
        /// What was tried.
        what: String,
    },
    /// The kernel takes no type information.
    #[error(
        "this kernel loads no BTF, so maps would have no field names: use a kernel of Linux 6.1 or later built with \
         CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf,
    /// The kernel lacks what attaching takes.
    #[error(
        "cannot attach {program} to {interface} by a bpf link: this kernel makes none there; use Linux 6.1 or later"
    )]
    NoLink {
        /// Which program.
        program: &'static str,
        /// The interface's name.
        interface: String,
    },
    /// On a kernel without tcx, the traffic-control filter could not be placed or removed.
    #[error(
        "cannot hang {program} on {interface} by a traffic-control filter, as is done where the kernel has no tcx (before \
         Linux 6.6): {source}; this takes CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF, no ingress qdisc of another tool \
         (`tc qdisc show dev {interface}`), and no filter of another kind at priority 1 (`tc filter show dev {interface} \
         ingress`, `egress`)"
    )]
    Filter {
        /// Which program.
        program: &'static str,
        /// The interface's name.
        interface: String,
        /// What the kernel answered.
        source: NetlinkError,
    },
    /// The pin folder is on another kind of file system.
    #[error(
        "{path} is not on a bpf file system: `mount -t bpf bpf /sys/fs/bpf`, or name a folder on one with --bpf-dir"
    )]
    NotBpffs {
        /// The folder.
        path: PathBuf,
    },
    /// A folder or pin could not be made or removed.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// Pinned maps of another shape.
    #[error(
        "pinned map {path} is not this program's: its {what} is {found}, expected {expected}; if no daemon uses it, \
         remove it with `heartbeatctl detach`"
    )]
    OtherLayout {
        /// The pin.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the pinned map has.
        found: u64,
        /// What this program's map has.
        expected: u64,
    },
    /// The program that is built in is older than the daemon around it.
    #[error(
        "the kernel program that is built in makes map {map} with another layout than this daemon's: run `cargo xtask \
         build-ebpf`, then build again"
    )]
    OldProgram {
        /// The first map that differs.
        map: String,
    },
    /// Some of the pinned maps of a daemon that was configured are gone.
    #[error(
        "of the pinned maps in {path} only some are left, {missing} is missing: the promises in them cannot be relied \
         on; remove the rest with `heartbeatctl detach`"
    )]
    PinsMissing {
        /// The folder of the pins.
        path: PathBuf,
        /// The first one that is missing.
        missing: &'static str,
    },
    /// The pinned maps are another node's or another cluster's.
    #[error(
        "the pinned maps in {path} belong to {what} {found:#x}, this configuration says {expected:#x}: if that is meant, \
         remove them with `heartbeatctl detach`; this node then abstains from voting for max_lease"
    )]
    OtherOwner {
        /// The folder of the pins.
        path: PathBuf,
        /// Cluster, slot, or electors' set.
        what: &'static str,
        /// Whose they are.
        found: u64,
        /// What the configuration says.
        expected: u64,
    },
    /// No interface of that name.
    #[error("there is no interface {interface} in this network namespace")]
    NoInterface {
        /// The interface's name.
        interface: String,
    },
    /// The interface does not speak Ethernet.
    #[error(
        "{interface} is no Ethernet interface (ARPHRD {kind}): heartbeats and the gate need Ethernet framing"
    )]
    NotEthernet {
        /// The interface's name.
        interface: String,
        /// Its link layer's number (linux/if_arp.h).
        kind: u16,
    },
    /// Another XDP program is there.
    #[error(
        "{interface} already has another XDP program, {other}: detach it (`ip link set dev {interface} xdp off`, or \
         `bpftool link` if a link holds it), or have heartbeats answered beside it at tcx ingress (attach = \"auto\", \
         Linux 6.6 or later)"
    )]
    OtherProgram {
        /// The interface's name.
        interface: String,
        /// Its id, and its name if the kernel tells.
        other: String,
    },
    /// tcx was insisted on.
    #[error(
        "{interface} cannot answer heartbeats at tcx ingress (attach = \"tc\"): this kernel has no tcx; use Linux 6.6 or \
         later, or set attach = \"auto\""
    )]
    NoTcx {
        /// The interface's name.
        interface: String,
    },
    /// The mode that was insisted on is not to be had.
    #[error(
        "{interface} has no native XDP (its driver answers {source}): set attach = \"auto\" or \"generic\""
    )]
    NoNativeMode {
        /// The interface's name.
        interface: String,
        /// What the driver answered.
        source: io::Error,
    },
    /// Facts about an interface could not be read.
    #[error("cannot ask the kernel about interface {interface}: {source}")]
    Netlink {
        /// The interface's name.
        interface: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The kernel refused to attach.
    #[error("cannot attach {program} to {interface}: {source}")]
    Attach {
        /// Which program.
        program: &'static str,
        /// The interface's name.
        interface: String,
        /// What the kernel answered.
        source: ProgramError,
    },
    /// The kernel does not tell what is attached.
    #[error("cannot find out whether {program} is on {interface}: {source}")]
    Query {
        /// Which program.
        program: &'static str,
        /// The interface's name.
        interface: String,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The object was not accepted.
    #[error("cannot load the kernel program: {0}")]
    Load(#[source] Box<EbpfError>),
    /// A program was not accepted by the verifier.
    #[error("cannot load kernel program {program}: {source}")]
    Program {
        /// Which program.
        program: &'static str,
        /// What the kernel answered, the verifier's log included.
        source: Box<ProgramError>,
    },
    /// A map could not be read or written.
    #[error("cannot {what} map {map}: {source}")]
    Map {
        /// What was tried.
        what: &'static str,
        /// The map's name.
        map: &'static str,
        /// What the kernel answered.
        source: MapError,
    },
    /// The programs' log lines cannot be read.
    #[error("cannot open the kernel programs' log: {0}")]
    Log(#[source] aya_log::Error),
    /// A link could not be pinned.
    #[error("cannot pin {path}: {source}")]
    Pin {
        /// Where.
        path: PathBuf,
        /// What the kernel answered.
        source: PinError,
    },
    /// The configuration cannot be put into the maps.
    #[error("{what} is {value}, but at most {most} are possible")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many.
        value: usize,
        /// How many fit.
        most: usize,
    },
}
