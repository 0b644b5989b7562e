//! What to do with a heartbeat, as pure functions of what was read: the same code runs in the XDP
//! program and in the host's tests.
//!
//! The decision is free of atomics. Where a word must be raised by compare-and-swap, the decision says
//! to what ([`GrantStep`]), the caller raises it, reads both promise words once more behind the full
//! barrier that the compare-and-swap is, and asks [`after_grant`] whether the grant stands.

use crate::epoch::Epoch;
use crate::frame::{Frame, Head, Kind, MAGIC, SEQUENCE_LIMIT, VERSION};
use crate::maps::{Address, Config, Keys, Member, NO_ADDRESS, member_flag};
use crate::tag::{Beginning, KEY_SLOTS, Key};
use crate::verdict::Verdict;

/// The last accepted probe as one word: 16 bits of its epoch, 48 bits of its sequence number.
///
/// Two receive queues may run the program at once; only one word can be swapped in one piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Accepted(pub u64);

impl Accepted {
    /// The word of probe `sequence` (below [`SEQUENCE_LIMIT`]) in `epoch`.
    #[must_use]
    #[inline(always)]
    pub const fn new(epoch: Epoch, sequence: u64) -> Self {
        Self(((epoch.fold() as u64) << 48) | (sequence & (SEQUENCE_LIMIT - 1)))
    }

    /// Whether probe `sequence` of `epoch` repeats what was accepted.
    #[must_use]
    #[inline(always)]
    pub const fn repeats(self, epoch: Epoch, sequence: u64) -> bool {
        self.is_of(epoch) && sequence <= (self.0 & (SEQUENCE_LIMIT - 1))
    }

    /// Whether the accepted probe was one of `epoch`, as far as 16 bits can tell.
    #[must_use]
    #[inline(always)]
    pub const fn is_of(self, epoch: Epoch) -> bool {
        (self.0 >> 48) == epoch.fold() as u64
    }
}

/// The words that the gate and the promises hang on, as read for one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Promises {
    /// [`Control::promised_epoch`](crate::maps::Control::promised_epoch).
    pub promised: Epoch,
    /// [`Grant::probed_epoch`](crate::maps::Grant::probed_epoch).
    pub probed: Epoch,
}

impl Promises {
    /// The higher of the two: what a probe must not lie below.
    #[must_use]
    #[inline(always)]
    pub fn highest(self) -> Epoch {
        if self.promised.0 > self.probed.0 {
            self.promised
        } else {
            self.probed
        }
    }
}

/// What the caller read before it decided about one authentic frame.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The sender's entry, if its slot can have one.
    pub sender: Option<&'a Member>,
    /// Both promise words.
    pub promises: Promises,
    /// [`Grant::accepted`](crate::maps::Grant::accepted); read before the promises, so that what shows in it shows in them.
    pub accepted: Accepted,
    /// [`Control::epoch_floor`](crate::maps::Control::epoch_floor).
    pub epoch_floor: Epoch,
    /// [`Control::abstain_until_ns`](crate::maps::Control::abstain_until_ns).
    pub abstain_until_ns: u64,
    /// The frame's IP source.
    pub source: Address,
    /// Arrival, CLOCK_BOOTTIME in nanoseconds.
    pub now_ns: u64,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Consume it.
    Drop(Verdict),
    /// Our own slot came from another machine. `shut`: and it could be master there.
    Duplicate {
        /// Whether the gate is to be shut.
        shut: bool,
    },
    /// Answer with a refusal, if the rate limit allows.
    Refuse,
    /// Take these steps, then ask [`after_grant`].
    Accept(GrantStep),
    /// Answer a query; nothing is recorded.
    AnswerQuery,
    /// An answer to a question of ours: look at our own record of it.
    MatchAnswer,
}

/// How an accepted probe is recorded, and how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantStep {
    /// What to raise [`Grant::end_ns`](crate::maps::Grant::end_ns) to; 0 if nothing is granted.
    pub end_ns: u64,
    /// What to swap [`Grant::accepted`](crate::maps::Grant::accepted) to.
    pub accepted: Accepted,
    /// What it may be swapped from even if its fold is the same: the word as it was read, if the probe
    /// is the first of its epoch.
    pub replaceable: Option<Accepted>,
    /// How the answer will be counted.
    pub verdict: Verdict,
}

impl GrantStep {
    /// Whether `found`, the accepted word when it was to be swapped, shows that this very probe or a
    /// later one was accepted meanwhile.
    #[must_use]
    #[inline(always)]
    pub fn is_late(&self, frame: &Frame, found: Accepted) -> bool {
        self.replaceable != Some(found) && found.repeats(Epoch(frame.epoch), frame.sequence)
    }
}

/// Whether the frame is one of our cluster's, by its first bytes.
///
/// # Errors
/// The verdict with which the frame is passed on or dropped.
#[inline(always)]
pub fn check_head(head: &Head, config: &Config) -> Result<Kind, Verdict> {
    if config.cluster_id == 0 {
        return Err(Verdict::Unconfigured);
    }
    if head.magic != MAGIC || head.version != VERSION {
        return Err(Verdict::Malformed);
    }
    let Some(kind) = Kind::from_u8(head.kind) else {
        return Err(Verdict::Malformed);
    };
    if head.cluster_id != config.cluster_id {
        return Err(Verdict::Foreign);
    }
    Ok(kind)
}

/// Checks that need only the body and the configuration, before the tag's cost is paid.
///
/// # Errors
/// The verdict with which the frame is passed on or dropped.
#[inline(always)]
pub fn check_shape(frame: &Frame, config: &Config) -> Result<Kind, Verdict> {
    let kind = check_head(&frame.head(), config)?;
    if frame.sequence >= SEQUENCE_LIMIT || frame.sender == 0 {
        return Err(Verdict::Malformed);
    }
    Ok(kind)
}

/// Whether the frame was tagged with one of our keys.
///
/// The key slot that it names is tried first. It is a place in the sender's key file: while a key is
/// being replaced, nodes have the same two keys in another order. `beginning` is what was kept of its sender, if
/// anything was.
#[must_use]
#[inline(always)]
pub fn is_authentic(frame: &Frame, keys: &Keys, beginning: &mut Beginning) -> bool {
    let named = u16::from(frame.key_slot);
    let (Some(key), Some(other)) = (key_of(keys, named), key_of(keys, named ^ 1)) else {
        return false;
    };
    beginning.verify(frame, &key) || beginning.verify(frame, &other)
}

/// The key in this slot, if there is such a slot.
#[must_use]
#[inline(always)]
pub fn key_of(keys: &Keys, slot: u16) -> Option<Key> {
    // Named one by one: an index computed from the packet would need a bounds proof that the kernel's
    // verifier does not always keep.
    match slot {
        0 => Some(keys.slots[0]),
        1 => Some(keys.slots[1]),
        _ => None,
    }
}

const _: () = assert!(KEY_SLOTS == 2, "key_of names each key slot");

/// The two ends of the network that a frame came by: its answer takes the same road back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Road<'a> {
    /// This node's address on that network.
    pub own: &'a Address,
    /// The other's configured address there.
    pub other: &'a Address,
}

/// The road of a frame from `source`; `None` if that is none of the sender's configured addresses.
#[must_use]
#[inline(always)]
pub fn road<'a>(sender: &'a Member, config: &'a Config, source: &Address) -> Option<Road<'a>> {
    if *source == sender.address {
        return Some(Road {
            own: &config.own_address,
            other: &sender.address,
        });
    }
    // All zero stands for no address, and IPv6 has a source that is.
    let is_business = *source == sender.business_address
        && sender.business_address != NO_ADDRESS
        && config.business_address != NO_ADDRESS;
    is_business.then_some(Road {
        own: &config.business_address,
        other: &sender.business_address,
    })
}

/// What to do with an authentic frame of our cluster.
#[must_use]
#[inline(always)]
pub fn decide(frame: &Frame, kind: Kind, view: &View<'_>) -> Decision {
    let Some(sender) = view.sender else {
        return Decision::Drop(Verdict::Impostor);
    };
    if sender.flags & member_flag::PRESENT == 0 || road(sender, view.config, &view.source).is_none()
    {
        return Decision::Drop(Verdict::Impostor);
    }
    if matches!(kind, Kind::Probe) && Epoch(frame.epoch).slot() != frame.sender {
        return Decision::Drop(Verdict::Impostor);
    }
    if frame.sender == view.config.slot {
        return own_slot(frame, kind, view);
    }
    match kind {
        Kind::Probe => decide_probe(frame, view),
        Kind::Query => Decision::AnswerQuery,
        Kind::Reply | Kind::Refusal => Decision::MatchAnswer,
    }
}

/// A frame of our own slot: ours, reflected; or a second machine's.
///
/// Only a probe that is not below what we know shuts the gate: an older one is a replay from an
/// earlier life of our own maps, and a recording must not be able to end a mastership. A node that lost
/// its maps knows from its disk how far its own epochs went; a second machine takes a higher one.
#[inline(always)]
fn own_slot(frame: &Frame, kind: Kind, view: &View<'_>) -> Decision {
    if frame.incarnation == view.config.incarnation {
        return Decision::Drop(Verdict::Reflected);
    }
    let (epoch, highest) = (Epoch(frame.epoch), view.promises.highest());
    let is_known = !highest.is_none() && epoch == highest;
    let is_current = epoch >= highest && (is_known || epoch > view.epoch_floor);
    match kind {
        Kind::Probe if is_current => Decision::Duplicate { shut: true },
        Kind::Probe => Decision::Drop(Verdict::Replayed),
        Kind::Query | Kind::Reply | Kind::Refusal => Decision::Duplicate { shut: false },
    }
}

#[inline(always)]
fn decide_probe(frame: &Frame, view: &View<'_>) -> Decision {
    let epoch = Epoch(frame.epoch);
    let highest = view.promises.highest();
    if !epoch.is_plausible_after(highest) {
        return Decision::Drop(Verdict::Implausible);
    }
    if epoch < highest {
        return Decision::Refuse;
    }
    // The fold has 16 bits only. Nothing was ever accepted of an epoch above the probed one, whatever
    // the fold says: else two epochs that fold alike would cost a new master its first grants.
    let is_new_epoch = epoch > view.promises.probed;
    if !is_new_epoch && view.accepted.repeats(epoch, frame.sequence) {
        return Decision::Drop(Verdict::Replayed);
    }
    let lease_ns = frame.lease_us as u64 * 1_000;
    let config = view.config;
    let same_electors = config.goes_by(frame.elector_version, frame.elector_digest);
    let (end_ns, verdict) = if !same_electors {
        (0, Verdict::OtherElectors)
    } else if lease_ns == 0 || lease_ns > config.max_lease_ns {
        (0, Verdict::LeaseTooLong)
    } else if view.now_ns < view.abstain_until_ns {
        // The grant is recorded, so that this node does not stand against a master it hears, but the
        // answer says that it counts for no lease.
        (view.now_ns + lease_ns, Verdict::Abstained)
    } else {
        (view.now_ns + lease_ns, Verdict::Granted)
    };
    let verdict = if config.is_elector == 0 && !frame.phase_selects(config.slot) {
        Verdict::Recorded
    } else {
        verdict
    };
    Decision::Accept(GrantStep {
        end_ns,
        accepted: Accepted::new(epoch, frame.sequence),
        replaceable: is_new_epoch.then_some(view.accepted),
        verdict,
    })
}

/// Whether a probe's epoch still stands once its grant is written and both promise words were read
/// again behind the barrier. If not, the answer is a refusal.
#[must_use]
#[inline(always)]
pub fn after_grant(frame: &Frame, reread: Promises) -> bool {
    frame.epoch >= reread.highest().0
}
