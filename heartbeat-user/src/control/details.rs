//! What one node's kernel programs counted, and what each member's newest answer to this node told.

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::snapshot::EpochParts;

/// The kernel's counters on one node since its maps were made: they outlive restarts of the daemon, and no reboot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The asked node's slot.
    pub slot: Slot,
    /// Round trips of all members' answers to this node; only buckets in which there are some.
    pub round_trips: Vec<Bucket>,
    /// Gaps between accepted probes of a master; only buckets in which there are some.
    pub gaps: Vec<Bucket>,
    /// Heartbeat frames by what the responder did with them.
    pub verdicts: Vec<Counted>,
    /// Packets of virtual addresses by what the gate did with them.
    pub gate_verdicts: Vec<Counted>,
    /// Of each member that ever answered this node, by slot.
    pub answers: Vec<Answer>,
}

/// How many durations lay in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The shortest that may be in it, in nanoseconds.
    pub from_ns: u64,
    /// The shortest that is no more in it, in nanoseconds; null for the last bucket there is.
    pub below_ns: Option<u64>,
    /// How many there were.
    pub count: u64,
}

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// What a member's newest answer told. Only who asks is answered: on a slave these are from when it asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The member.
    pub slot: Slot,
    /// Answers of it that this node counted.
    pub count: u64,
    /// How long ago the newest arrived, in microseconds.
    pub age_us: u64,
    /// Its round trip, in nanoseconds.
    pub rtt_ns: u64,
    /// How long before it the member's daemon had given its last sign of life, in microseconds; null if never.
    pub daemon_age_us: Option<u32>,
    /// How long before it all services had been found well last; null if never, or if none are watched.
    pub service_age_us: Option<u32>,
    /// The mastership that it answered.
    pub epoch: EpochParts,
    /// Its configuration's digest, 16 hexadecimal digits.
    pub config_digest: String,
    /// The version of its electors' set.
    pub elector_version: u32,
}
