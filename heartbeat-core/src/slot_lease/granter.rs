//! The master's side: whom it granted which slot's lease, and which slots it took over.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::grants::Holder;
use crate::snapshot::Bearer;
use crate::{Instant, Slot};

/// What one mastership knows of the slots whose addresses go by a lease. It begins with nothing: what was granted
/// before it is over one lease later.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Granter {
    /// The longest lease that is granted, and that any master before may have granted.
    longest: Duration,
    /// Until when a lease that this master did not grant may be in force; zero while there is no slot.
    unknown_until: Instant,
    /// By slot.
    slots: Vec<Granted>,
}

/// One slot.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Granted {
    slot: Slot,
    /// The machine that was granted its lease last; 0 for none.
    incarnation: u64,
    /// When the last lease granted is over, by this node's clock.
    until: Instant,
    /// When a machine of the slot last asked, granted or not.
    asked_at: Instant,
    /// Since when this master bears its addresses.
    taken: Option<Instant>,
}

/// A question that is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Yes {
    /// This master bears the slot's addresses: it must cease to, and only then answer.
    pub(crate) gives_back: bool,
}

impl Granter {
    /// Of a mastership that begins at `now`.
    pub(crate) fn new(slots: &BTreeSet<Slot>, longest: Duration, now: Instant) -> Self {
        let mut granter = Self {
            longest,
            unknown_until: Instant::ZERO,
            slots: Vec::new(),
        };
        granter.enrol(slots, now);
        granter
    }

    /// Other leases may have been granted up to `now`, though this node was master.
    pub(crate) fn forget(&mut self, now: Instant) {
        if !self.slots.is_empty() {
            self.unknown_until = now + self.longest;
        }
    }

    /// These slots' addresses go by a lease from now on. Gives those that were taken over and do no more.
    pub(crate) fn enrol(&mut self, slots: &BTreeSet<Slot>, now: Instant) -> Vec<Slot> {
        let is_in = |granted: &&Granted| !slots.contains(&granted.slot);
        let leaving = self.slots.iter().filter(is_in);
        let taken = leaving.filter(|granted| granted.taken.is_some());
        let given_up = taken.map(|granted| granted.slot).collect();
        let before = std::mem::take(&mut self.slots);
        let entered = slots.iter().map(|slot| {
            let known = before.iter().find(|granted| granted.slot == *slot);
            known.copied().unwrap_or(Granted {
                slot: *slot,
                incarnation: 0,
                until: now,
                asked_at: now,
                taken: None,
            })
        });
        self.slots = entered.collect();
        if before.is_empty() {
            self.forget(now);
        }
        given_up
    }

    /// A machine asks for its slot's lease of `length`; `renews`: it says that it holds one. Grants it if nobody
    /// else can hold one, nor be granted one before this is over.
    ///
    /// `now` was read after the question came, and under the mastership's lease.
    pub(crate) fn ask(
        &mut self,
        from: Holder,
        length: Duration,
        renews: bool,
        now: Instant,
    ) -> Option<Yes> {
        let is_unknown = now < self.unknown_until;
        let longest = self.longest;
        let granted = self.of(from.slot)?;
        granted.asked_at = now;
        // A master before granted it to one machine of the slot only: to the one that holds it.
        let may_be_granted = renews || !is_unknown;
        let is_alone = granted.incarnation == from.incarnation || granted.until <= now;
        if !may_be_granted || !is_alone || length > longest {
            return None;
        }
        granted.incarnation = from.incarnation;
        granted.until = granted.until.max(now + length);
        Some(Yes {
            gives_back: granted.taken.take().is_some(),
        })
    }

    /// A slot other than `own` whose lease is surely over, and whose machine does not ask for another one.
    pub(crate) fn due(&self, own: Slot, now: Instant) -> Option<Slot> {
        let patience = self.longest / 2;
        let is_due = |granted: &&Granted| {
            granted.slot != own
                && granted.taken.is_none()
                && granted.until <= now
                && granted.asked_at + patience <= now
        };
        let is_known = self.unknown_until <= now;
        let due = self.slots.iter().find(is_due);
        due.filter(|_| is_known).map(|granted| granted.slot)
    }

    /// This master bears the slot's addresses from now on.
    pub(crate) fn take(&mut self, slot: Slot, now: Instant) {
        if let Some(granted) = self.of(slot) {
            granted.taken = Some(now);
        }
    }

    /// The slots taken over.
    pub(crate) fn taken(&self) -> impl Iterator<Item = Slot> + '_ {
        let taken = self.slots.iter().filter(|granted| granted.taken.is_some());
        taken.map(|granted| granted.slot)
    }

    /// Who bears the addresses of each slot.
    pub(crate) fn bearers(&self, now: Instant) -> impl Iterator<Item = (Slot, Bearer)> + '_ {
        self.slots.iter().map(move |granted| {
            let bearer = match granted.taken {
                Some(since) => Bearer::Master(since),
                None if now < granted.until => Bearer::Itself(granted.until),
                None if now < self.unknown_until => Bearer::Unknown(self.unknown_until),
                None => Bearer::Nobody,
            };
            (granted.slot, bearer)
        })
    }

    fn of(&mut self, slot: Slot) -> Option<&mut Granted> {
        self.slots.iter_mut().find(|granted| granted.slot == slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_millis(800);
    const A: Holder = Holder {
        slot: 3,
        incarnation: 31,
    };
    const B: Holder = Holder {
        slot: 3,
        incarnation: 32,
    };
    const YES: Option<Yes> = Some(Yes { gives_back: false });

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    /// A mastership that begins at 1,000 ms.
    fn granter() -> Granter {
        Granter::new(&BTreeSet::from([1, 3]), LENGTH, ms(1_000))
    }

    #[test]
    fn a_new_master_grants_only_renewals_until_a_lease_has_passed() {
        let mut granter = granter();
        assert_eq!(granter.ask(A, LENGTH, false, ms(1_799)), None);
        assert_eq!(granter.ask(A, LENGTH, true, ms(1_799)), YES);
        assert_eq!(granter.ask(A, LENGTH, false, ms(1_800)), YES);
    }

    #[test]
    fn a_second_machine_of_a_slot_waits_until_the_firsts_lease_is_over() {
        let mut granter = granter();
        assert_eq!(granter.ask(A, LENGTH, false, ms(2_000)), YES);
        assert_eq!(granter.ask(B, LENGTH, false, ms(2_799)), None);
        assert_eq!(granter.ask(B, LENGTH, true, ms(2_799)), None);
        assert_eq!(granter.ask(B, LENGTH, false, ms(2_800)), YES);
        assert_eq!(granter.ask(A, LENGTH, true, ms(2_801)), None);
    }

    #[test]
    fn no_lease_is_granted_that_a_later_master_would_not_outwait() {
        let mut granter = granter();
        let longer = LENGTH + Duration::from_nanos(1);
        assert_eq!(granter.ask(A, longer, false, ms(2_000)), None);
        assert_eq!(granter.ask(A, LENGTH, false, ms(2_000)), YES);
    }

    #[test]
    fn a_slot_without_such_addresses_is_granted_nothing() {
        let other = Holder { slot: 2, ..A };
        assert_eq!(granter().ask(other, LENGTH, false, ms(2_000)), None);
    }

    #[test]
    fn a_slot_is_taken_over_a_lease_after_the_promotion_and_the_last_grant() {
        let mut granter = granter();
        assert_eq!(granter.due(1, ms(1_799)), None);
        assert_eq!(granter.due(1, ms(1_800)), Some(3));
        granter.ask(A, LENGTH, true, ms(1_500));
        assert_eq!(granter.due(1, ms(2_299)), None);
        assert_eq!(granter.due(1, ms(2_300)), Some(3));
        granter.take(3, ms(2_300));
        assert_eq!(granter.due(1, ms(2_300)), None);
        assert_eq!(granter.taken().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn who_bears_a_slots_addresses_is_told_as_far_as_a_lease_granted_before_lets_it_be_known() {
        let mut granter = granter();
        let of_3 = |granter: &Granter, at| {
            let mut bearers = granter.bearers(ms(at));
            bearers.find(|(slot, _)| *slot == 3).map(|(_, it)| it)
        };
        assert_eq!(of_3(&granter, 1_799), Some(Bearer::Unknown(ms(1_800))));
        assert_eq!(of_3(&granter, 1_800), Some(Bearer::Nobody));
        granter.ask(A, LENGTH, true, ms(1_200));
        assert_eq!(of_3(&granter, 1_201), Some(Bearer::Itself(ms(2_000))));
        assert_eq!(of_3(&granter, 1_999), Some(Bearer::Itself(ms(2_000))));
        assert_eq!(of_3(&granter, 2_000), Some(Bearer::Nobody));
        granter.take(3, ms(2_100));
        assert_eq!(of_3(&granter, 2_200), Some(Bearer::Master(ms(2_100))));
        assert_eq!(granter.bearers(ms(2_200)).count(), 2);
    }

    #[test]
    fn who_asks_and_is_not_granted_yet_has_half_a_lease_to_ask_again() {
        let mut granter = granter();
        granter.ask(A, LENGTH, false, ms(1_799));
        assert_eq!(granter.due(1, ms(2_198)), None);
        assert_eq!(granter.due(1, ms(2_199)), Some(3));
    }

    #[test]
    fn its_own_slot_is_never_taken_over() {
        assert_eq!(granter().due(3, ms(5_000)), Some(1));
        assert_eq!(granter().due(1, ms(5_000)), Some(3));
    }

    #[test]
    fn what_was_taken_over_is_given_back_once() {
        let mut granter = granter();
        granter.take(3, ms(2_000));
        let back = Some(Yes { gives_back: true });
        assert_eq!(granter.ask(A, LENGTH, false, ms(2_500)), back);
        assert_eq!(granter.ask(A, LENGTH, true, ms(2_600)), YES);
        assert_eq!(granter.taken().count(), 0);
    }

    #[test]
    fn slots_that_stay_keep_what_is_known_of_them_and_those_that_leave_are_given_up() {
        let mut granter = granter();
        granter.ask(A, LENGTH, false, ms(2_000));
        assert_eq!(granter.enrol(&BTreeSet::from([3, 4]), ms(2_100)), []);
        assert_eq!(granter.ask(B, LENGTH, false, ms(2_200)), None);
        granter.take(4, ms(3_000));
        assert_eq!(granter.enrol(&BTreeSet::from([3]), ms(3_100)), [4]);
    }
}
