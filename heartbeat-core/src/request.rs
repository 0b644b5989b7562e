//! One vote request: who was asked, who said what, and since when a lease by it would run.

use std::time::Duration;

use crate::config::Timing;
use crate::grants::Holder;
use crate::{Epoch, Instant, Slot};

/// A request for votes under one random id.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Request {
    pub(crate) epoch: Epoch,
    pub(crate) id: u64,
    /// The lease that it names, and that a majority's votes give: L when it was made.
    pub(crate) length: Duration,
    /// When it was first sent: resending extends nothing.
    pub(crate) first_sent: Instant,
    pub(crate) resend_at: Instant,
    pub(crate) give_up_at: Instant,
    voters: Vec<Voter>,
}

#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Voter {
    slot: Slot,
    /// Expected to vote yes: it said so when it was asked, or nobody was asked.
    expected: bool,
    incarnation: u64,
    opinion: Opinion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Opinion {
    None,
    Yes,
    No,
    /// Two incarnations voted in one slot: neither counts.
    Clash,
}

impl Request {
    /// A request to `electors` (without the asker), of whom `expected` may well say yes.
    pub(crate) fn new(
        epoch: Epoch,
        id: u64,
        now: Instant,
        timing: &Timing,
        electors: impl Iterator<Item = (Slot, bool)>,
    ) -> Self {
        let voters = electors.map(|(slot, expected)| Voter {
            slot,
            expected,
            incarnation: 0,
            opinion: Opinion::None,
        });
        Self {
            epoch,
            id,
            length: timing.lease(),
            first_sent: now,
            resend_at: now + timing.period,
            give_up_at: now + timing.vote_timeout(),
            voters: voters.collect(),
        }
    }

    /// Counts one answer, whose sender is asked for nothing more.
    pub(crate) fn record(&mut self, from: Holder, is_yes: bool) {
        let Some(voter) = self.voters.iter_mut().find(|voter| voter.slot == from.slot) else {
            return;
        };
        let said = if is_yes { Opinion::Yes } else { Opinion::No };
        let same_machine = voter.incarnation == from.incarnation;
        voter.opinion = match voter.opinion {
            Opinion::None => said,
            Opinion::Yes | Opinion::No if !same_machine => Opinion::Clash,
            Opinion::Yes => Opinion::Yes,
            Opinion::No => said,
            Opinion::Clash => Opinion::Clash,
        };
        voter.incarnation = from.incarnation;
    }

    /// Votes of others for it.
    pub(crate) fn yes(&self) -> usize {
        self.count(|voter| voter.opinion == Opinion::Yes)
    }

    /// Whether no majority can come of it any more, unless somebody votes who was not expected to.
    pub(crate) fn is_hopeless(&self, votes_needed: usize) -> bool {
        let open = self.count(|voter| voter.expected && voter.opinion == Opinion::None);
        self.yes() + open < votes_needed
    }

    /// Who is asked again: who did not vote yes.
    pub(crate) fn unconvinced(&self) -> impl Iterator<Item = Slot> + '_ {
        let open = |voter: &&Voter| matches!(voter.opinion, Opinion::None | Opinion::No);
        self.voters.iter().filter(open).map(|voter| voter.slot)
    }

    fn count(&self, matches: impl Fn(&Voter) -> bool) -> usize {
        self.voters.iter().filter(|voter| matches(voter)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let timing = Timing {
            period: Duration::from_millis(10),
            multiplier: 5,
            max_lease: Duration::from_millis(200),
            restart_lease: Duration::from_millis(200),
        };
        let electors = [(1, false), (3, true), (4, true), (5, true)];
        Request::new(
            Epoch::new(3, 2),
            77,
            Instant(5),
            &timing,
            electors.into_iter(),
        )
    }

    const fn from(slot: Slot, incarnation: u64) -> Holder {
        Holder { slot, incarnation }
    }

    #[test]
    fn an_elector_counts_once_however_often_it_answers() {
        let mut request = request();
        request.record(from(3, 30), true);
        request.record(from(3, 30), true);
        request.record(from(9, 90), true);
        assert_eq!(request.yes(), 1);
    }

    #[test]
    fn two_machines_in_one_slot_count_for_nothing() {
        let mut request = request();
        request.record(from(3, 30), true);
        request.record(from(3, 31), true);
        request.record(from(3, 30), true);
        assert_eq!(request.yes(), 0);
    }

    #[test]
    fn a_no_that_turns_into_a_yes_counts_and_a_yes_stays() {
        let mut request = request();
        request.record(from(3, 30), false);
        assert_eq!(request.yes(), 0);
        request.record(from(3, 30), true);
        request.record(from(3, 30), false);
        assert_eq!(request.yes(), 1);
    }

    #[test]
    fn a_request_is_hopeless_once_those_who_would_have_voted_said_no() {
        let mut request = request();
        assert!(!request.is_hopeless(2));
        request.record(from(3, 30), false);
        request.record(from(4, 40), false);
        assert!(
            request.is_hopeless(2),
            "only slot 5 is left, and slot 1 was not expected to vote"
        );
        request.record(from(1, 10), true);
        assert!(
            !request.is_hopeless(2),
            "slot 1 did vote, and slot 5 still may"
        );
    }

    #[test]
    fn who_voted_is_not_asked_again() {
        let mut request = request();
        request.record(from(3, 30), true);
        request.record(from(4, 40), false);
        assert_eq!(request.unconvinced().collect::<Vec<_>>(), [1, 4, 5]);
    }
}
