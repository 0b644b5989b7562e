//! What this node bears of the addresses that move, and the verification of each: the mastership's, and the slots' that
//! go by a lease.

use std::net::IpAddr;

use heartbeat_core::{Epoch, Slot};

use super::verification::{Verification, Verified};
use crate::hands::Whose;

/// All of it. One member is asked at a time, since one who is busy with a question takes no other.
#[derive(Debug)]
pub(super) struct Bearing {
    own: Slot,
    all: Vec<(Whose, Verification)>,
}

impl Bearing {
    /// Nothing, on the node in `own`.
    pub(super) const fn new(own: Slot) -> Self {
        Self {
            own,
            all: Vec::new(),
        }
    }

    /// Bears these addresses from now on, as master of `epoch`, or of a slot. `members` could look; who bore them
    /// before last: whether it lets go is what is in question.
    pub(super) fn begin(
        &mut self,
        whose: Whose,
        epoch: Epoch,
        addresses: &[IpAddr],
        (members, before): (&[Slot], Slot),
        announced_ns: u64,
    ) {
        self.all.retain(|(other, _)| *other != whose);
        if addresses.is_empty() {
            return;
        }
        let (from, number) = match whose {
            Whose::Master => (0, epoch.0.wrapping_shl(16)),
            // Many slots' nodes may begin at once, after a start of all: each asks its next neighbour.
            Whose::Slot(_) => (self.own, announced_ns),
        };
        let mut members = members.to_vec();
        members.sort_by_key(|slot| (*slot == before, *slot < from, *slot));
        let verification = Verification::new(epoch, members, addresses, number, announced_ns);
        self.all.push((whose, verification));
    }

    /// Bears these no more; gives them, each with its mastership.
    pub(super) fn leave(&mut self, which: impl Fn(Whose) -> bool) -> Vec<(Whose, Epoch)> {
        let left = self.all.extract_if(.., |(whose, _)| which(*whose));
        left.map(|(whose, verification)| (whose, verification.epoch))
            .collect()
    }

    /// The mastership by which this node bears these, if it does; [`Epoch::NONE`] of a slot.
    pub(super) fn epoch_of(&self, whose: Whose) -> Option<Epoch> {
        let mut all = self.all.iter();
        let borne = all.find(|(other, _)| *other == whose);
        borne.map(|(_, verification)| verification.epoch)
    }

    /// The one for which a member is being asked, under this epoch.
    pub(super) fn asking(&mut self, epoch: Epoch) -> Option<&mut Verification> {
        let mut all = self.all.iter_mut().map(|(_, verification)| verification);
        all.find(|it| it.is_asking() && it.epoch == epoch)
    }

    /// When the next one has something to do.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let place = self.next_place()?;
        Some(self.all[place].1.next_ns())
    }

    /// The one that has something to do next.
    pub(super) fn first(&mut self) -> Option<(Whose, &mut Verification)> {
        let place = self.next_place()?;
        let (whose, verification) = &mut self.all[place];
        Some((*whose, verification))
    }

    /// Where it stands: the one that asks a member, or the first one due.
    fn next_place(&self) -> Option<usize> {
        let all = self.all.iter().enumerate();
        let first = all.min_by_key(|(_, (_, it))| (!it.is_asking(), it.next_ns()));
        first.map(|(place, _)| place)
    }

    /// What is known of each address.
    pub(super) fn verified(&self) -> Vec<Verified> {
        let all = self.all.iter();
        all.flat_map(|(_, it)| it.addresses.iter().cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::verification::Act;
    use super::*;
    use crate::net::mac::MacAddress;

    const MS: u64 = 1_000_000;
    const START: u64 = 7_000 * MS;
    const EPOCH: Epoch = Epoch::new(4, 3);
    const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    /// The node in slot 3, master, which took slot 5 over and bears the addresses of its own slot.
    fn bearing() -> Bearing {
        let mut bearing = Bearing::new(3);
        let members: &[Slot] = &[1, 2, 4, 5];
        let mut begin = |whose, epoch, last, before, at| {
            bearing.begin(whose, epoch, &[address(last)], (members, before), at);
        };
        begin(Whose::Master, EPOCH, 100, 1, START);
        begin(Whose::Slot(5), Epoch::NONE, 105, 5, START + 10 * MS);
        begin(Whose::Slot(3), Epoch::NONE, 103, 4, START + 5 * MS);
        bearing
    }

    /// Does what is due next: whose it is, when, and what.
    fn next(bearing: &mut Bearing) -> (Whose, u64, Vec<Act>) {
        let at_ns = bearing.next_ns().expect("something is borne");
        let (whose, verification) = bearing.first().expect("as above");
        let acts = verification.due(at_ns, |_| Some(OWN));
        (whose, (at_ns - START) / MS, acts)
    }

    /// Who is asked in the next round, which goes well.
    fn round(bearing: &mut Bearing, epoch: Epoch, last: u8) -> (Whose, Slot) {
        let (whose, at, acts) = next(bearing);
        let [Act::Ask(member, number)] = acts[..] else {
            panic!("nobody is asked: {acts:?}");
        };
        let now_ns = START + (at + 1) * MS;
        let verification = bearing.asking(epoch).expect("somebody is asked");
        let seen = Some(vec![OWN]);
        verification.answered(member, number, address(last), seen, now_ns);
        let (ended, _, acts) = next(bearing);
        assert_eq!(ended, whose, "no other begins meanwhile");
        assert!(
            matches!(acts[..], [Act::Show, Act::Complete(_)]),
            "{acts:?}"
        );
        (whose, member)
    }

    #[test]
    fn one_is_asked_for_after_the_other_each_by_whom_it_suits_and_the_bearer_before_last() {
        let mut bearing = bearing();
        assert_eq!(round(&mut bearing, EPOCH, 100), (Whose::Master, 2));
        // Of its own slot the next neighbour, but it was the bearer.
        assert_eq!(round(&mut bearing, Epoch::NONE, 103), (Whose::Slot(3), 5));
        assert_eq!(round(&mut bearing, Epoch::NONE, 105), (Whose::Slot(5), 4));
        assert!(bearing.verified().iter().all(Verified::is_ours));
        assert_eq!(bearing.verified().len(), 3);
        let (whose, at, _) = next(&mut bearing);
        assert_eq!((whose, at / 1_000), (Whose::Master, 60));
    }

    #[test]
    fn while_one_is_asked_for_no_other_begins_though_it_is_due() {
        let mut bearing = bearing();
        let (whose, _, acts) = next(&mut bearing);
        assert!(matches!(acts[..], [Act::Ask(2, _)]), "{acts:?}");
        let (again, at, acts) = next(&mut bearing);
        assert_eq!((whose, again), (Whose::Master, Whose::Master));
        assert!(matches!(acts[..], [Act::Ask(4, _)]), "{acts:?}");
        assert_eq!(at, 520, "the others were due long before");
    }

    #[test]
    fn what_is_left_is_not_shown_and_not_asked_for() {
        let mut bearing = bearing();
        assert_eq!(bearing.epoch_of(Whose::Master), Some(EPOCH));
        let left = bearing.leave(|whose| whose != Whose::Slot(3));
        assert_eq!(
            left,
            [(Whose::Master, EPOCH), (Whose::Slot(5), Epoch::NONE)]
        );
        assert_eq!(bearing.epoch_of(Whose::Master), None);
        assert_eq!(round(&mut bearing, Epoch::NONE, 103), (Whose::Slot(3), 5));
        assert_eq!(bearing.leave(|_| true).len(), 1);
        assert_eq!(bearing.next_ns(), None);
    }
}
