//! The memory-mapped words: 64 bits each, one writer each, written and read whole.

/// The daemon's words, memory-mapped: each 64 bits, each written whole, never by the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// Frame flags that the daemon sets in every answer ([`crate::frame::flag::ELIGIBLE`]), and
    /// [`control_flag::FORCED`], which no answer tells.
    pub flags: u64,
    /// Version of the dynamic information this node has.
    pub info_version: u64,
    /// Highest sequence number used for a question, written before it leaves.
    pub sequence: u64,
    /// Highest epoch this node was ever a candidate or master in, a floor for its next one.
    pub epoch_floor: u64,
    /// Epoch that its own holder last gave up by `release`: grants to exactly it no longer hold.
    pub released_epoch: u64,
    /// When the lease of this node's slot ends, CLOCK_BOOTTIME in nanoseconds; 0 while it has none: the gate of its
    /// slot's addresses that go by a lease is shut.
    pub slot_lease_ns: u64,
}

/// Bits of [`Control::flags`] that are no frame flags.
pub mod control_flag {
    /// The lease rests on an operator's word instead of a majority's: the next process must not take it up.
    pub const FORCED: u64 = 1 << 8;
}

/// The kernel's words about the grant it gave, memory-mapped, never written by the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// One question that this node sent, memory-mapped; written before the question leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
