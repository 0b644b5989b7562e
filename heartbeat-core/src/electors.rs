//! The electors' sets: what they are made of, which one follows which, and what a node keeps of them on disk.
//!
//! The sets in force are a chain: version by version, each decided once among the electors of the one before.

use std::fmt;
use std::time::Duration;

use heartbeat_wire::maps::MAX_ELECTORS;

use crate::Slot;
use crate::time::nanos;

/// At most nine slots, ascending, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Slots {
    slots: [Slot; MAX_ELECTORS],
    count: u8,
}

impl Slots {
    /// These slots; `None` if there are more than nine, or a zero.
    pub fn new(slots: impl IntoIterator<Item = Slot>) -> Option<Self> {
        let mut all = Self::default();
        for slot in slots {
            if slot == 0 || !all.insert(slot) {
                return None;
            }
        }
        Some(all)
    }

    /// The slots, ascending.
    #[must_use]
    pub fn as_slice(&self) -> &[Slot] {
        &self.slots[..usize::from(self.count)]
    }

    /// Each slot, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.as_slice().iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether `slot` is among them.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        self.as_slice().binary_search(&slot).is_ok()
    }

    /// Puts `slot` among them. Whether it is there now: a tenth has no room.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let Err(place) = self.as_slice().binary_search(&slot) else {
            return true;
        };
        if self.len() == MAX_ELECTORS {
            return false;
        }
        let end = self.len();
        self.slots.copy_within(place..end, place + 1);
        self.slots[place] = slot;
        self.count += 1;
        true
    }

    fn without(&self, slot: Slot) -> Self {
        let mut left = Self::default();
        for kept in self.iter().filter(|kept| *kept != slot) {
            left.insert(kept);
        }
        left
    }

    /// How many of these `is` says yes to.
    pub(crate) fn count(&self, is: impl Fn(Slot) -> bool) -> usize {
        self.iter().filter(|slot| is(*slot)).count()
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, slot) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{slot}")?;
        }
        Ok(())
    }
}

/// One version of the electors' set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ElectorSet {
    /// From 1; each follows the one before.
    pub version: u32,
    /// Whose answers and votes count towards the majority.
    pub slots: Slots,
    /// Longest lease that a grant is given for.
    pub max_lease: Duration,
}

impl ElectorSet {
    /// The number that tells it apart in every frame and vote.
    #[must_use]
    pub fn digest(&self) -> u32 {
        heartbeat_wire::electors::digest(self.slots.as_slice(), nanos(self.max_lease))
    }

    /// How many electors are a majority.
    #[must_use]
    pub fn majority(&self) -> usize {
        self.slots.len() / 2 + 1
    }

    /// Whether it goes by the same electors and the same longest lease, whatever its version.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.slots == other.slots && self.max_lease == other.max_lease
    }

    /// Whether it may follow `before`: by one elector more or less, or by another longest lease, so that any
    /// majority of the one and any majority of the other have an elector in common.
    #[must_use]
    pub fn may_follow(&self, before: &Self) -> bool {
        let is_in = |other: &Self, slot: Slot| other.slots.contains(slot);
        let added = self.slots.count(|slot| !is_in(before, slot));
        let removed = before.slots.count(|slot| !is_in(self, slot));
        before.version.checked_add(1) == Some(self.version)
            && added + removed <= 1
            && !self.slots.is_empty()
            && !self.max_lease.is_zero()
    }

    /// The next set on the way to `target`; `None` once it is reached.
    ///
    /// Electors come before others go, so that the cluster never survives fewer losses than at both ends; with
    /// nine one has to go first.
    #[must_use]
    pub fn step_towards(&self, target: &Self) -> Option<Self> {
        let mut next = Self {
            version: self.version.checked_add(1)?,
            ..*self
        };
        let missing = target.slots.iter().find(|slot| !self.slots.contains(*slot));
        let surplus = self.slots.iter().find(|slot| !target.slots.contains(*slot));
        match (missing, surplus) {
            (Some(slot), _) if next.slots.insert(slot) => {}
            (_, Some(slot)) => next.slots = self.slots.without(slot),
            (_, None) if self.max_lease != target.max_lease => next.max_lease = target.max_lease,
            (_, None) => return None,
        }
        Some(next)
    }
}

/// The number of one attempt to decide on the next set: above all earlier ones, and no two nodes' the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ballot(pub u64);

impl Ballot {
    /// None was ever promised.
    pub const NONE: Self = Self(0);

    /// The next one of `slot`.
    pub(crate) const fn next(self, slot: Slot) -> Self {
        Self((((self.0 >> 16) + 1) << 16) | slot as u64)
    }
}

/// A set that a node agreed to, in one ballot: it may be in force elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Accepted {
    /// In which ballot.
    pub ballot: Ballot,
    /// The set that would follow the one in force here.
    pub set: ElectorSet,
}

/// What a node keeps of the electors' sets on disk: nothing of it is acted on or told before it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ElectorRecord {
    /// The set that this node counts by.
    pub in_force: ElectorSet,
    /// It was taken from the configuration file, and no mastership by it is known: any set in force elsewhere
    /// takes its place.
    pub is_proposed: bool,
    /// The highest ballot promised for the next set.
    pub promised: Ballot,
    /// The next set as agreed to in the highest ballot.
    pub accepted: Option<Accepted>,
    /// Longest lease of any set that this node ever agreed to: its grants may have been given for so long.
    pub longest_lease: Duration,
}

impl ElectorRecord {
    /// The first record of a node: the configuration's set.
    #[must_use]
    pub const fn proposed(set: ElectorSet) -> Self {
        Self {
            in_force: set,
            is_proposed: true,
            promised: Ballot::NONE,
            accepted: None,
            longest_lease: set.max_lease,
        }
    }

    /// Whether `slot` is an elector by the set in force, or by the next one that this node agreed to.
    #[must_use]
    pub fn has_elector(&self, slot: Slot) -> bool {
        let sets = [Some(&self.in_force), self.next()];
        sets.into_iter()
            .flatten()
            .any(|set| set.slots.contains(slot))
    }

    /// The next set, if this node agreed to one: it grants to it and votes by it as well.
    #[must_use]
    pub fn next(&self) -> Option<&ElectorSet> {
        self.accepted.as_ref().map(|accepted| &accepted.set)
    }

    /// How long a node that forgot its grants neither votes nor grants: the longest lease that it may have granted,
    /// and a fifth more, the drift guard that every master takes off its lease.
    #[must_use]
    pub fn abstention(&self) -> Duration {
        self.longest_lease + self.longest_lease / 5
    }

    /// The record once `set` is in force.
    pub(crate) fn with_in_force(&self, set: ElectorSet) -> Self {
        Self {
            in_force: set,
            is_proposed: false,
            promised: Ballot::NONE,
            accepted: None,
            longest_lease: self.longest_lease.max(set.max_lease),
        }
    }

    /// The record once `ballot` is promised, and `set` agreed to in it.
    pub(crate) fn with_promise(&self, ballot: Ballot, set: Option<ElectorSet>) -> Self {
        assert!(ballot >= self.promised, "a ballot's promise only grows");
        let longest = set.map_or(Duration::ZERO, |set| set.max_lease);
        Self {
            promised: ballot,
            accepted: set.map(|set| Accepted { ballot, set }).or(self.accepted),
            longest_lease: self.longest_lease.max(longest),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(version: u32, slots: &[Slot], max_lease_ms: u64) -> ElectorSet {
        ElectorSet {
            version,
            slots: Slots::new(slots.iter().copied()).unwrap(),
            max_lease: Duration::from_millis(max_lease_ms),
        }
    }

    /// Every subset of slots 1 to 6 but the empty one.
    fn subsets() -> impl Iterator<Item = ElectorSet> {
        (1_u32..64).map(|bits| {
            let slots: Vec<Slot> = (1..=6).filter(|slot| bits >> (slot - 1) & 1 == 1).collect();
            set(1, &slots, 200)
        })
    }

    #[test]
    fn slots_are_ascending_each_once_and_at_most_nine() {
        let slots = Slots::new([5, 1, 3, 1]).unwrap();
        assert_eq!(slots.as_slice(), [1, 3, 5]);
        assert!(slots.contains(3) && !slots.contains(2));
        assert_eq!(slots.to_string(), "1, 3, 5");
        assert!(Slots::new(1..=9).is_some());
        assert!(Slots::new(1..=10).is_none());
        assert!(Slots::new([0]).is_none());
    }

    #[test]
    fn any_two_majorities_of_sets_that_may_follow_each_other_share_an_elector() {
        for before in subsets() {
            for after in subsets() {
                let after = ElectorSet {
                    version: 2,
                    ..after
                };
                let smallest = before.majority() + after.majority();
                let all = before.slots.iter().chain(after.slots.iter());
                let union = Slots::new(all).unwrap().len();
                if after.may_follow(&before) {
                    assert!(smallest > union, "{before:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn every_target_is_reached_by_sets_that_may_follow_each_other() {
        for start in subsets() {
            for target in subsets() {
                let target = ElectorSet {
                    max_lease: Duration::from_millis(300),
                    ..target
                };
                let (mut at, mut steps) = (start, 0);
                while let Some(next) = at.step_towards(&target) {
                    assert!(next.may_follow(&at), "{at:?} {next:?}");
                    (at, steps) = (next, steps + 1);
                    assert!(steps <= 13);
                }
                assert!(at.is_like(&target));
            }
        }
    }

    #[test]
    fn an_elector_comes_before_one_goes_unless_there_are_nine() {
        let next = set(4, &[1, 2, 3], 200)
            .step_towards(&set(0, &[2, 3, 4], 200))
            .unwrap();
        assert_eq!(
            (next.version, next.slots.as_slice()),
            (5, &[1, 2, 3, 4][..])
        );
        let nine = set(4, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 200);
        let target = set(0, &[2, 3, 4, 5, 6, 7, 8, 9, 10], 200);
        assert_eq!(nine.step_towards(&target).unwrap().slots.len(), 8);
    }

    #[test]
    fn two_electors_at_once_or_a_version_left_out_may_not_follow() {
        let before = set(4, &[1, 2, 3], 200);
        assert!(!set(5, &[1, 2, 3, 4, 5], 200).may_follow(&before));
        assert!(!set(5, &[1, 2, 4], 200).may_follow(&before));
        assert!(!set(6, &[1, 2, 3, 4], 200).may_follow(&before));
        assert!(!set(5, &[], 200).may_follow(&before));
        assert!(set(5, &[1, 2, 3], 400).may_follow(&before));
    }

    #[test]
    fn ballots_grow_and_tell_slots_apart() {
        let first = Ballot::NONE.next(3);
        assert!(first > Ballot::NONE && first.next(1) > first);
        assert_ne!(Ballot::NONE.next(1), Ballot::NONE.next(2));
        assert_eq!(first, Ballot(0x1_0003));
        assert_eq!(first.next(1), Ballot(0x2_0001));
    }

    #[test]
    fn a_digest_tells_sets_apart() {
        let digests = [
            set(1, &[1, 2, 3], 200),
            set(1, &[1, 2, 4], 200),
            set(1, &[1, 2, 3], 201),
        ]
        .map(|set| set.digest());
        assert!(digests[0] != digests[1] && digests[0] != digests[2] && digests[1] != digests[2]);
        assert_eq!(set(2, &[1, 2, 3], 200).digest(), digests[0]);
    }

    #[test]
    fn a_record_has_the_electors_in_force_and_those_of_the_next_set_that_was_agreed_to() {
        let record = ElectorRecord::proposed(set(1, &[1, 2], 200));
        assert_eq!(record.next(), None);
        assert!(record.has_elector(2) && !record.has_elector(3));
        let next = set(2, &[1, 2, 3], 200);
        let agreed = record.with_promise(Ballot(65_537), Some(next));
        assert_eq!(agreed.next(), Some(&next));
        assert!(agreed.has_elector(3) && !agreed.has_elector(4));
    }

    #[test]
    fn the_longest_lease_ever_agreed_to_is_remembered_when_it_becomes_shorter() {
        let record = ElectorRecord::proposed(set(1, &[1, 2, 3], 200));
        let raised = record.with_promise(Ballot(65_537), Some(set(2, &[1, 2, 3], 400)));
        assert_eq!(raised.longest_lease, Duration::from_millis(400));
        let lowered = raised
            .with_in_force(set(2, &[1, 2, 3], 400))
            .with_in_force(set(3, &[1, 2, 3], 100));
        assert_eq!(lowered.longest_lease, Duration::from_millis(400));
        assert!(!lowered.is_proposed && lowered.accepted.is_none());
    }
}
