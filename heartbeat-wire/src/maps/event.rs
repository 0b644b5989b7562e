//! What the kernel tells the daemon at once.

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
