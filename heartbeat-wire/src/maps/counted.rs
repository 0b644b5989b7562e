//! What each CPU counts and limits for itself: written by the kernel.

use super::{HEARD_GROUP, REPLIES_CHUNK};
use crate::histogram::BUCKETS;
use crate::verdict::{GateVerdict, Verdict};

/// What one CPU counted of one slot's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// What a few slots answered: slot `s` is number `s % HEARD_GROUP` of group `s / HEARD_GROUP`. Sixteen bits each, since
/// what one processor writes and another reads is paid for by the cache line, and there may be 10,000 slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct HeardGroup {
    /// The lower 16 bits of the number of the newest probe that each answered over the management network.
    pub numbers: [u16; HEARD_GROUP],
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
