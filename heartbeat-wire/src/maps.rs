//! Keys and values of every BPF map: plain named integers, no padding, one writer each.
//!
//! What the kernel writes and what the daemon writes never share a map value, so that neither
//! overwrites the other.

use core::mem::size_of;

use crate::histogram::BUCKETS;
use crate::tag::{KEY_SLOTS, Key};
use crate::verdict::{GateVerdict, Verdict};

/// Version of the layouts in this file; it stands in the pin path, so that a daemon never re-opens
/// maps of another layout.
pub const LAYOUT: u32 = 1;
/// Most members of a cluster; slots run from 1 to this.
pub const MAX_SLOTS: usize = 10_000;
/// Most electors of a cluster.
pub const MAX_ELECTORS: usize = 9;
/// How many of the newest questions the daemon's own record holds; a power of two above the largest
/// detect multiplier (255).
pub const SENT_RECORDS: usize = 256;
/// Slots in one value of [`Replies`]. Userspace gets a value from every possible CPU at once, so the
/// chunk that the electors' answers stand in is kept small: 2 kB a CPU, far below the 32,768 bytes that
/// a per-CPU value may have.
pub const REPLIES_CHUNK: usize = 16;
/// Most interfaces that the responder answers on.
pub const MAX_INTERFACES: usize = 16;
/// Bytes of the event ring buffer: about 800 events, far more than one detect time can bring.
pub const EVENTS_BYTES: usize = 64 * 1024;
/// Most virtual addresses of a cluster.
pub const MAX_VIPS: usize = 256;
/// Most refusals that one CPU sends in [`LIMIT_WINDOW_NS`], over all senders.
pub const REFUSALS_PER_WINDOW: u64 = 64;
/// Most alarm events (duplicate, implausible) that one CPU submits in [`LIMIT_WINDOW_NS`].
pub const ALARMS_PER_WINDOW: u64 = 4;
/// Window of the two limits above, in nanoseconds.
pub const LIMIT_WINDOW_NS: u64 = 100_000_000;
/// Shortest time between two refusals to one sender from one CPU, in nanoseconds.
pub const REFUSAL_GAP_NS: u64 = 500_000;

/// An address of either family: IPv6, or IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
pub type Address = [u8; 16];

/// `a.b.c.d` as an [`Address`].
#[must_use]
#[inline(always)]
pub const fn mapped(v4: [u8; 4]) -> Address {
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4[0], v4[1], v4[2], v4[3],
    ]
}

/// What the responder goes by; written by the daemon before the programs are attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Config {
    /// Which cluster; 0 while not configured.
    pub cluster_id: u64,
    /// Random number of this life of the maps.
    pub incarnation: u64,
    /// When the maps were created, CLOCK_BOOTTIME in nanoseconds.
    pub created_ns: u64,
    /// Digest of the configuration that must be equal on all nodes.
    pub config_digest: u64,
    /// Longest lease that a grant is given for, in nanoseconds.
    pub max_lease_ns: u64,
    /// Age at which an answer to one of our questions is stale: period x detect multiplier, ns.
    pub detect_ns: u64,
    /// This node's management address.
    pub own_address: Address,
    /// The multicast group of the heartbeats.
    pub group: Address,
    /// Version of the electors' set.
    pub elector_version: u32,
    /// Digest of the electors' set.
    pub elector_digest: u32,
    /// This node's slot.
    pub slot: u16,
    /// UDP port of the heartbeats, in host byte order.
    pub port: u16,
    /// Key slot that answers are signed with.
    pub signing_slot: u16,
    /// 1 if this node is an elector: its answers are always wanted.
    pub is_elector: u16,
}

/// The keys, newest first; an empty one authenticates nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Keys {
    /// SipHash keys by key slot.
    pub slots: [Key; KEY_SLOTS],
}

/// One member, by its slot; all zero for a slot without a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Member {
    /// Management address: where its frames must come from, and where answers to it go.
    pub address: Address,
    /// Bits of [`member_flag`].
    pub flags: u64,
}

/// Bits of [`Member::flags`].
pub mod member_flag {
    /// The slot has a member.
    pub const PRESENT: u64 = 1;
    /// Its answers and votes count towards the majority.
    pub const ELECTOR: u64 = 2;
    /// It never becomes master.
    pub const WITNESS: u64 = 4;
}

/// The daemon's words, memory-mapped: each 64 bits, each written whole, never by the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// When this node's lease ends, CLOCK_BOOTTIME in nanoseconds; 0 while it has none: gate shut.
    pub lease_deadline_ns: u64,
    /// Epoch of that lease.
    pub lease_epoch: u64,
    /// Highest epoch that this node promised by a vote or as a candidate; only raised.
    pub promised_epoch: u64,
    /// When the grant given by the newest vote ends, CLOCK_BOOTTIME in nanoseconds.
    pub vote_grant_end_ns: u64,
    /// Epoch of that vote: its slot holds the grant.
    pub vote_epoch: u64,
    /// Incarnation that the vote was given to.
    pub vote_incarnation: u64,
    /// Until when this node neither votes nor grants, CLOCK_BOOTTIME in nanoseconds.
    pub abstain_until_ns: u64,
    /// The daemon's last sign of life, CLOCK_BOOTTIME in nanoseconds.
    pub beat_ns: u64,
    /// Last successful service check, CLOCK_BOOTTIME in nanoseconds; 0 without a monitor.
    pub service_ns: u64,
    /// This node's role, a number of [`crate::frame::role`].
    pub role: u64,
    /// Diagnosis bits that this node says of itself.
    pub diagnosis: u64,
    /// Frame flags that the daemon sets in every answer ([`crate::frame::flag::ELIGIBLE`]).
    pub flags: u64,
    /// Version of the dynamic information this node has.
    pub info_version: u64,
    /// Highest sequence number used for a question, written before it leaves.
    pub sequence: u64,
    /// Highest epoch this node was ever a candidate or master in, a floor for its next one.
    pub epoch_floor: u64,
    /// Epoch that its own holder last gave up by `release`: grants to exactly it no longer hold.
    pub released_epoch: u64,
}

/// The kernel's words about the grant it gave, memory-mapped, never written by the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Grant {
    /// When the grant ends, CLOCK_BOOTTIME in nanoseconds; only grows, by compare-and-swap.
    pub end_ns: u64,
    /// Last accepted probe: epoch fold and sequence number ([`crate::decide::Accepted`]).
    pub accepted: u64,
    /// Highest epoch of an authentic probe (or reported as probed by a refusal); only grows.
    pub probed_epoch: u64,
    /// Arrival of the last accepted probe, CLOCK_BOOTTIME in nanoseconds.
    pub arrival_ns: u64,
    /// Incarnation of its sender.
    pub holder_incarnation: u64,
    /// Slot that the last accepted probe named as successor.
    pub successor: u64,
    /// When a frame of our own slot with another incarnation came, in nanoseconds; 0 for never.
    pub duplicate_ns: u64,
    /// Lease that the last accepted probe named, in nanoseconds.
    pub lease_ns: u64,
}

/// One interface that the responder answers on, by its index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Interface {
    /// Its hardware address: the source of answers, since a multicast question does not bear it.
    pub mac: [u8; 6],
    /// Room to the next eight bytes.
    pub reserved: u16,
}

/// One question that this node sent, memory-mapped; written before the question leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Sent {
    /// Its epoch.
    pub epoch: u64,
    /// Its sequence number; its place is `sequence % SENT_RECORDS`.
    pub sequence: u64,
    /// When it was sent, CLOCK_BOOTTIME in nanoseconds.
    pub sent_ns: u64,
    /// Its [`crate::Kind`]: probe or query.
    pub kind: u64,
}

/// What one CPU counted of one slot's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Reply {
    /// Newest probe that this slot answered with a grant.
    pub granted_sequence: u64,
    /// When that probe was sent, from our own record, in nanoseconds.
    pub granted_sent_ns: u64,
    /// Newest probe that it answered at all.
    pub sequence: u64,
    /// Newest query that it answered.
    pub query_sequence: u64,
    /// When its newest answer arrived, CLOCK_BOOTTIME in nanoseconds.
    pub arrival_ns: u64,
    /// Answers counted.
    pub count: u64,
    /// Epoch of the newest probe that it answered.
    pub epoch: u64,
    /// Incarnation of the newest answer.
    pub incarnation: u64,
    /// The incarnation before that; 0 for none.
    pub former_incarnation: u64,
    /// When that former incarnation was last seen to come back, in nanoseconds; 0 for never. A restart
    /// changes the incarnation once; two machines in one slot make it alternate.
    pub clash_ns: u64,
    /// Round trip of the newest answer, in nanoseconds.
    pub rtt_ns: u64,
    /// Configuration digest in the newest answer.
    pub config_digest: u64,
    /// Dynamic-information version in the newest answer.
    pub info_version: u64,
    /// Age of the daemon in the newest answer, in microseconds.
    pub daemon_age_us: u32,
    /// Age of the last successful service check in it, in microseconds.
    pub service_age_us: u32,
    /// Electors' version in it.
    pub elector_version: u32,
    /// Electors' digest in it.
    pub elector_digest: u32,
    /// Diagnosis bits in it.
    pub diagnosis: u16,
    /// Role in it.
    pub role: u8,
    /// Gate state in it.
    pub gate: u8,
    /// Flags in it.
    pub flags: u8,
    /// Room to the next eight bytes.
    pub reserved: [u8; 3],
}

/// One chunk of slots: slot `s` is record `s % REPLIES_CHUNK` of chunk `s / REPLIES_CHUNK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Replies {
    /// One record a slot.
    pub slots: [Reply; REPLIES_CHUNK],
}

/// Responder verdicts counted by one CPU, by [`Verdict::index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Verdicts {
    /// One counter a verdict.
    pub counts: [u64; Verdict::ALL.len()],
}

/// Gate verdicts counted by one CPU, by [`GateVerdict::index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct GateCounts {
    /// One counter a verdict.
    pub counts: [u64; GateVerdict::ALL.len()],
}

/// Durations counted by one CPU, by [`crate::histogram::bucket_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Histogram {
    /// One counter a bucket.
    pub buckets: [u64; BUCKETS],
}

/// Rate limits of one CPU, and what they could not keep from being lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Limits {
    /// Start of the refusals' window, in nanoseconds.
    pub refusals_since_ns: u64,
    /// Refusals sent in it.
    pub refusals: u64,
    /// Start of the alarm events' window, in nanoseconds.
    pub alarms_since_ns: u64,
    /// Alarm events submitted in it.
    pub alarms: u64,
    /// Events of any kind that found the ring buffer full.
    pub lost_events: u64,
}

/// One virtual address that the gate guards, by its [`Address`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Vip {
    /// Index of the interface that carries it.
    pub ifindex: u32,
    /// 0: follows the master.
    pub follows_slot: u32,
}

/// What the kernel tells the daemon at once, through the ring buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Event {
    /// An [`EventKind`].
    pub kind: u32,
    /// Sender's slot.
    pub slot: u16,
    /// Flags of the frame.
    pub flags: u8,
    /// Gate state in the frame.
    pub gate: u8,
    /// Arrival, CLOCK_BOOTTIME in nanoseconds.
    pub at_ns: u64,
    /// Epoch of the frame.
    pub epoch: u64,
    /// Sequence number of the frame.
    pub sequence: u64,
    /// Highest epoch that its sender promised.
    pub promised_epoch: u64,
    /// Highest epoch that its sender saw probed.
    pub probed_epoch: u64,
    /// Sender's incarnation.
    pub incarnation: u64,
    /// Answer: what is left of the sender's grant, in microseconds.
    pub lease_us: u32,
    /// Age of the sender's daemon, in microseconds.
    pub daemon_age_us: u32,
    /// Electors' version in the frame.
    pub elector_version: u32,
    /// Electors' digest in the frame.
    pub elector_digest: u32,
    /// Dynamic-information version in the frame.
    pub info_version: u64,
}

/// Kinds of [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EventKind {
    /// First accepted probe of an epoch.
    NewEpoch = 1,
    /// Answer to our query.
    QueryAnswer = 2,
    /// Refusal of our probe.
    Refusal = 3,
    /// Our own slot with another incarnation.
    Duplicate = 4,
    /// An implausible epoch.
    Implausible = 5,
}

impl EventKind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::NewEpoch),
            2 => Some(Self::QueryAnswer),
            3 => Some(Self::Refusal),
            4 => Some(Self::Duplicate),
            5 => Some(Self::Implausible),
            _ => None,
        }
    }
}

/// Name and purpose of one map, for `heartbeatctl maps` and the docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// Name, at most 15 characters: what bpftool and the pin folder show.
    pub name: &'static str,
    /// What it holds, and who writes it.
    pub what: &'static str,
}

macro_rules! map_names {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $what:literal;)*) => {
        /// The maps' names.
        pub mod name {
            $($(#[$doc])* pub const $constant: &str = $name;)*
        }
        /// Every map.
        pub const MAPS: &[MapInfo] = &[$(MapInfo { name: $name, what: $what },)*];
        const _: () = { $(assert!($name.len() <= 15);)* };
    };
}

map_names! {
    /// [`super::Config`].
    CONFIG = "hb_config", "what the responder goes by: cluster, slot, addresses, limits (written by the daemon at start)";
    /// [`super::Keys`].
    KEYS = "hb_keys", "the two frame keys: secret, readable by root only (written by the daemon at start)";
    /// [`super::Member`] by slot.
    MEMBERS = "hb_members", "every member's address and flags, by slot (written by the daemon at start)";
    /// [`super::Interface`] by interface index.
    INTERFACES = "hb_interfaces", "the interfaces that the responder answers on (written by the daemon)";
    /// [`super::Control`].
    CONTROL = "hb_control", "lease deadline, promised epoch, beat, role and the daemon's other words (written by the daemon)";
    /// [`super::Grant`].
    GRANT = "hb_grant", "end of the grant, last accepted probe, highest probed epoch (written by the kernel)";
    /// [`super::Sent`] by `sequence % SENT_RECORDS`.
    SENT = "hb_sent", "the newest probes and queries this node sent (written by the daemon)";
    /// [`super::Replies`] by chunk.
    REPLIES = "hb_replies", "per CPU and slot: newest probe answered, arrival, round trip, ages (written by the kernel)";
    /// [`super::Verdicts`].
    VERDICTS = "hb_verdicts", "per CPU: frames by what the responder did with them (written by the kernel)";
    /// [`super::Histogram`].
    RTT = "hb_rtt", "per CPU: histogram of round-trip times (written by the kernel)";
    /// [`super::Histogram`].
    GAP = "hb_gap", "per CPU: histogram of gaps between accepted probes (written by the kernel)";
    /// [`super::Event`].
    EVENTS = "hb_events", "ring buffer of what the daemon must know at once (written by the kernel)";
    /// [`super::Vip`] by address.
    VIPS = "hb_vips", "the virtual addresses that the gate guards (written by the daemon)";
    /// [`super::GateCounts`].
    GATE = "hb_gate", "per CPU: packets of virtual addresses by what the gate did with them (written by the kernel)";
    /// [`super::Limits`].
    LIMITS = "hb_limits", "per CPU: rate limits of refusals and alarm events (written by the kernel)";
    /// Time of the last refusal by slot, in nanoseconds.
    REFUSALS = "hb_refusals", "per CPU and slot: time of the last refusal sent to it (written by the kernel)";
}

// No padding anywhere: the fields' sizes add up to the whole. A value with padding would leak kernel
// stack bytes, and bpftool would show holes.
const _: () = {
    assert!(size_of::<Config>() == 8 * 6 + 16 * 2 + 4 * 2 + 2 * 4);
    assert!(size_of::<Keys>() == 16 * KEY_SLOTS);
    assert!(size_of::<Member>() == 24);
    assert!(size_of::<Control>() == 8 * 16);
    assert!(size_of::<Grant>() == 8 * 8);
    assert!(size_of::<Interface>() == 8);
    assert!(size_of::<Sent>() == 8 * 4);
    assert!(size_of::<Reply>() == 8 * 13 + 4 * 4 + 2 + 3 + 3);
    assert!(size_of::<Replies>() == size_of::<Reply>() * REPLIES_CHUNK);
    assert!(size_of::<Replies>() <= 32_768);
    assert!(size_of::<Limits>() == 8 * 5);
    assert!(size_of::<Vip>() == 8);
    assert!(size_of::<Event>() == 4 + 2 + 1 + 1 + 8 * 6 + 4 * 4 + 8);
    assert!(SENT_RECORDS.is_power_of_two() && SENT_RECORDS > 255);
};

macro_rules! from_bytes {
    ($($type:ident),*) => {
        $(impl $type {
            /// The value in these bytes, of any alignment, as the kernel hands it out.
            #[must_use]
            pub const fn from_bytes(bytes: &[u8; size_of::<Self>()]) -> Self {
                // SAFETY: integers only, so any bytes are a valid value; the source has as many bytes as
                // the type, and `read_unaligned` asks for no alignment.
                unsafe { core::ptr::read_unaligned(bytes.as_ptr().cast()) }
            }
        })*
    };
}
from_bytes!(Reply, Event);

#[cfg(feature = "user")]
mod pod {
    use super::{
        Config, Control, Event, GateCounts, Grant, Histogram, Interface, Keys, Limits, Member,
        Replies, Sent, Verdicts, Vip,
    };

    macro_rules! pod {
        ($($type:ty),*) => {
            $(
                // SAFETY: `repr(C)`, `Copy`, 'static, integers only, no padding (asserted above): any
                // bytes are a valid value.
                unsafe impl aya::Pod for $type {}
            )*
        };
    }
    pod!(
        Config, Keys, Member, Interface, Control, Grant, Sent, Replies, Verdicts, GateCounts,
        Histogram, Limits, Vip, Event
    );
}
