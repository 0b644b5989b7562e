//! The heartbeat body: one fixed layout for every kind, no longer in the answer than in the question.

use core::mem::{offset_of, size_of};

use crate::siphash::WORDS;

/// First four bytes of every heartbeat, "HBD1" read as a little-endian number.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HBD1");
/// Layout version of the body. Another version is `malformed`: nodes of one cluster speak one.
pub const VERSION: u8 = 1;
/// Length of the body, which is the UDP payload, in bytes.
pub const FRAME_LEN: usize = size_of::<Frame>();
/// The same in words of eight bytes.
pub const FRAME_WORDS: usize = FRAME_LEN / 8;
/// Length of what the tag covers: all of the body before it, in bytes.
pub const SIGNED_LEN: usize = offset_of!(Frame, tag);
/// Sequence numbers stay below this: they share a 64-bit word with 16 bits of the epoch.
/// At a period of 1 ms that lasts 8,900 years.
pub const SEQUENCE_LIMIT: u64 = 1 << 48;
/// TTL (IPv4) or hop limit (IPv6) sent and required: a frame that was routed is foreign (RFC 5082).
pub const HOP_LIMIT: u8 = 255;
/// An age or duration that is longer than the field can say, or not known.
pub const AGE_UNKNOWN: u32 = u32::MAX;

/// What a heartbeat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The master's multicast heartbeat.
    Probe = 1,
    /// A candidate's question whether it would be voted for.
    Query = 2,
    /// The kernel's answer to a probe or a query, by unicast.
    Reply = 3,
    /// "Your epoch is old", with the newer one, by unicast.
    Refusal = 4,
}

impl Kind {
    /// The kind with this number, if there is one.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Probe),
            2 => Some(Self::Query),
            3 => Some(Self::Reply),
            4 => Some(Self::Refusal),
            _ => None,
        }
    }
}

/// Bits of [`Frame::flags`].
pub mod flag {
    /// The reply is health only and counts for no lease.
    pub const NO_GRANT: u8 = 1 << 0;
    /// The sender restarted without its maps and neither votes nor grants yet.
    pub const ABSTAINS: u8 = 1 << 1;
    /// Refusal: the newer epoch was probed, not only promised.
    pub const PROBED: u8 = 1 << 2;
    /// The sender may become master: an elector, no witness, not in maintenance, its daemon says so.
    pub const ELIGIBLE: u8 = 1 << 3;
}

/// State of the sender's gate, in [`Frame::gate`].
pub mod gate_state {
    /// Traffic of the virtual addresses does not pass.
    pub const SHUT: u8 = 0;
    /// The lease holds and traffic passes.
    pub const OPEN: u8 = 1;
}

/// Role of the sender, in [`Frame::role`].
pub mod role {
    /// Not decided yet.
    pub const INIT: u8 = 0;
    /// Follows a master, or waits for one.
    pub const SLAVE: u8 = 1;
    /// Asks for votes.
    pub const CANDIDATE: u8 = 2;
    /// Holds the lease.
    pub const MASTER: u8 = 3;
    /// Votes and answers, never becomes master.
    pub const WITNESS: u8 = 4;
    /// In a pair: was the last master, and finds out what its peer is.
    pub const IS_MASTER: u8 = 5;
    /// In a pair: compares with its peer who was active last.
    pub const BATTLE_MASTER: u8 = 6;
}

/// Body of every heartbeat: the UDP payload, little-endian, 120 bytes, without padding.
///
/// An answer echoes `epoch`, `sequence` and `sent_ns` of its question; everything else in it is the
/// answering node's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Frame {
    /// [`MAGIC`].
    pub magic: u32,
    /// [`VERSION`].
    pub version: u8,
    /// A [`Kind`].
    pub kind: u8,
    /// Which of the two keys the tag was made with, 0 or 1.
    pub key_slot: u8,
    /// Bits of [`flag`].
    pub flags: u8,
    /// Which cluster: the first 8 bytes of the BLAKE3 hash of its name.
    pub cluster_id: u64,
    /// Version of the electors' set that the sender goes by.
    pub elector_version: u32,
    /// Digest of that set (its slots and `max_lease`).
    pub elector_digest: u32,
    /// Random number of the life of the sender's pinned maps.
    pub incarnation: u64,
    /// The sender's slot, from 1.
    pub sender: u16,
    /// Probe: the slot that follows if the master is lost; 0 for none.
    pub successor: u16,
    /// The sender's [`role`].
    pub role: u8,
    /// The sender's [`gate_state`].
    pub gate: u8,
    /// The sender's own diagnosis bits, as its daemon last wrote them.
    pub diagnosis: u16,
    /// Probe: the master's epoch. Query: the epoch that the candidate would take. Answer: echoed.
    pub epoch: u64,
    /// Highest epoch that the sender promised.
    pub promised_epoch: u64,
    /// Highest epoch that the sender saw in an authentic probe.
    pub probed_epoch: u64,
    /// Digest of the configuration that must be equal on all nodes.
    pub config_digest: u64,
    /// Version of the dynamic information that the sender has; 0 for none.
    pub info_version: u64,
    /// Number of the question, growing, below [`SEQUENCE_LIMIT`]. Answer: echoed.
    pub sequence: u64,
    /// When the question was sent, CLOCK_BOOTTIME of its sender in nanoseconds. Answer: echoed.
    pub sent_ns: u64,
    /// Probe and query: the lease asked for, in microseconds. Answer: what is left of the grant.
    pub lease_us: u32,
    /// Microseconds since the sender's daemon last gave a sign of life; [`AGE_UNKNOWN`] for never.
    pub daemon_age_us: u32,
    /// Microseconds since the last successful service check; [`AGE_UNKNOWN`] without a monitor.
    pub service_age_us: u32,
    /// Probe: members that are no electors answer when `slot % stride == offset`; 1 or 0 for all.
    pub stride: u16,
    /// Probe: see `stride`.
    pub offset: u16,
    /// SipHash-2-4 over all before it.
    pub tag: u64,
}

/// What a [`Frame`] begins with: enough to know another cluster's by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Head {
    /// [`Frame::magic`].
    pub magic: u32,
    /// [`Frame::version`].
    pub version: u8,
    /// [`Frame::kind`].
    pub kind: u8,
    /// [`Frame::key_slot`].
    pub key_slot: u8,
    /// [`Frame::flags`].
    pub flags: u8,
    /// [`Frame::cluster_id`].
    pub cluster_id: u64,
}

// The layout is a contract between machines: a field that moves must not compile.
const _: () = {
    assert!(size_of::<Frame>() == 120);
    assert!(SIGNED_LEN == WORDS * 8);
    assert!(align_of::<Frame>() == 8);
    assert!(offset_of!(Frame, magic) == 0);
    assert!(offset_of!(Frame, version) == 4);
    assert!(offset_of!(Frame, kind) == 5);
    assert!(offset_of!(Frame, key_slot) == 6);
    assert!(offset_of!(Frame, flags) == 7);
    assert!(offset_of!(Frame, cluster_id) == 8);
    assert!(offset_of!(Frame, elector_version) == 16);
    assert!(offset_of!(Frame, elector_digest) == 20);
    assert!(offset_of!(Frame, incarnation) == 24);
    assert!(offset_of!(Frame, sender) == 32);
    assert!(offset_of!(Frame, successor) == 34);
    assert!(offset_of!(Frame, role) == 36);
    assert!(offset_of!(Frame, gate) == 37);
    assert!(offset_of!(Frame, diagnosis) == 38);
    assert!(offset_of!(Frame, epoch) == 40);
    assert!(offset_of!(Frame, promised_epoch) == 48);
    assert!(offset_of!(Frame, probed_epoch) == 56);
    assert!(offset_of!(Frame, config_digest) == 64);
    assert!(offset_of!(Frame, info_version) == 72);
    assert!(offset_of!(Frame, sequence) == 80);
    assert!(offset_of!(Frame, sent_ns) == 88);
    assert!(offset_of!(Frame, lease_us) == 96);
    assert!(offset_of!(Frame, daemon_age_us) == 100);
    assert!(offset_of!(Frame, service_age_us) == 104);
    assert!(offset_of!(Frame, stride) == 108);
    assert!(offset_of!(Frame, offset) == 110);
    assert!(offset_of!(Frame, tag) == 112);
    assert!(offset_of!(Head, version) == offset_of!(Frame, version));
    assert!(offset_of!(Head, kind) == offset_of!(Frame, kind));
    assert!(offset_of!(Head, cluster_id) == offset_of!(Frame, cluster_id));
    // No padding: the fields' sizes add up to the whole.
    assert!(4 + 4 + 8 + 4 + 4 + 8 + 2 + 2 + 1 + 1 + 2 + 8 * 7 + 4 * 3 + 2 + 2 + 8 == FRAME_LEN);
};

impl Frame {
    /// Its first bytes.
    #[must_use]
    #[inline(always)]
    pub const fn head(&self) -> Head {
        // SAFETY: `Head` repeats the first fields of `Frame` (asserted above), both `repr(C)`.
        unsafe { *core::ptr::from_ref(self).cast::<Head>() }
    }

    /// The body as the bytes that travel.
    #[must_use]
    #[inline(always)]
    pub fn as_bytes(&self) -> &[u8; FRAME_LEN] {
        // SAFETY: `Frame` is `repr(C)`, holds integers only and has no padding (asserted above), so
        // each of its FRAME_LEN bytes is initialised; the borrow keeps it alive.
        unsafe { &*core::ptr::from_ref(self).cast::<[u8; FRAME_LEN]>() }
    }

    /// The body as whole words.
    #[must_use]
    #[inline(always)]
    pub const fn as_words(&self) -> &[u64; FRAME_WORDS] {
        // SAFETY: all of `Frame`, initialised as `as_bytes` says; it is aligned as a word is (asserted above);
        // the borrow keeps it alive.
        unsafe { &*core::ptr::from_ref(self).cast::<[u64; FRAME_WORDS]>() }
    }

    /// What the tag covers, as whole words.
    #[must_use]
    #[inline(always)]
    pub(crate) fn signed_words(&self) -> &[u64; WORDS] {
        // SAFETY: the first SIGNED_LEN bytes of `Frame`, as in `as_words`.
        unsafe { &*core::ptr::from_ref(self).cast::<[u64; WORDS]>() }
    }

    /// The body in these bytes, whatever they hold: check it before use.
    #[must_use]
    #[inline(always)]
    pub fn from_bytes(bytes: &[u8; FRAME_LEN]) -> Self {
        // SAFETY: every bit pattern is a valid `Frame` (integers only), and the source is FRAME_LEN
        // readable bytes; `read_unaligned` asks for no alignment.
        unsafe { core::ptr::read_unaligned(bytes.as_ptr().cast()) }
    }

    /// Whether an elector-less member in `slot` is asked to answer this probe.
    #[must_use]
    #[inline(always)]
    pub const fn phase_selects(&self, slot: u16) -> bool {
        self.stride <= 1 || slot % self.stride == self.offset
    }
}

/// Nanoseconds as the microseconds of an age field: at most `AGE_UNKNOWN - 1`.
#[must_use]
#[inline(always)]
pub const fn age_us(age_ns: u64) -> u32 {
    // Exact, and to the kernel's machine a multiplication is a fraction of a division.
    let us = if age_ns <= u32::MAX as u64 {
        (age_ns * 0x1062_4dd3) >> 38
    } else {
        age_ns / 1_000
    };
    if us >= AGE_UNKNOWN as u64 {
        AGE_UNKNOWN - 1
    } else {
        us as u32
    }
}
