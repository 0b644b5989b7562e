//! The holder's side: the lease of this node's own slot.

use std::time::Duration;

use crate::lease::reach;
use crate::time::Instant;

/// The right to bear the addresses of this node's slot, and the question for more of it.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct OwnLease {
    /// When it ends; [`Instant::ZERO`] while there is none.
    deadline: Instant,
    /// The newest question, until it is answered.
    asked: Option<Asked>,
}

/// A question under way.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Asked {
    id: u64,
    sent: Instant,
    length: Duration,
    renews: bool,
}

impl OwnLease {
    /// What the last run left, if that still holds.
    pub(crate) const fn restored(deadline: Instant) -> Self {
        Self {
            deadline,
            asked: None,
        }
    }

    pub(crate) fn holds(&self, now: Instant) -> bool {
        now < self.deadline
    }

    /// When it ends, while it holds.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        self.holds(now).then_some(self.deadline)
    }

    /// Whether the newest question was not answered.
    pub(crate) const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes a question that leaves at `now` or later; says whether it asks for more of a lease that holds. Answers
    /// to earlier questions count no more.
    pub(crate) fn ask(&mut self, id: u64, length: Duration, now: Instant) -> bool {
        let renews = self.holds(now);
        self.asked = Some(Asked {
            id,
            sent: now,
            length,
            renews,
        });
        renews
    }

    /// The question with this id was granted. Gives the lease's new end if that is later than the old one.
    ///
    /// `now` was read after the answer came: a lease that ended meanwhile is not renewed, since somebody else may
    /// have been granted one.
    pub(crate) fn granted(&mut self, id: u64, now: Instant) -> Option<Instant> {
        let asked = self.asked.filter(|asked| asked.id == id)?;
        self.asked = None;
        if asked.renews && !self.holds(now) {
            return None;
        }
        // Sent is before granted, and the guard covers both clocks' rates: it ends before the master's record does.
        let deadline = asked.sent + reach(asked.length);
        let grew = deadline > self.deadline && deadline > now;
        grew.then(|| {
            self.deadline = deadline;
            deadline
        })
    }

    /// Whether there was a lease, and its time has come.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        self.deadline != Instant::ZERO && !self.holds(now) && self.end()
    }

    /// Gives it up; whether there was one.
    pub(crate) fn end(&mut self) -> bool {
        let had = self.deadline != Instant::ZERO;
        *self = Self::restored(Instant::ZERO);
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_millis(800);

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn a_lease_runs_from_the_sending_of_the_question_less_the_guard() {
        let mut own = OwnLease::restored(Instant::ZERO);
        assert!(!own.ask(1, LENGTH, ms(100)), "there is none to renew");
        assert_eq!(own.granted(1, ms(190)), Some(ms(740)));
        assert!(own.holds(ms(739)) && !own.holds(ms(740)));
    }

    #[test]
    fn only_the_answer_to_the_newest_question_counts_and_only_once() {
        let mut own = OwnLease::restored(Instant::ZERO);
        own.ask(1, LENGTH, ms(100));
        own.ask(2, LENGTH, ms(200));
        assert_eq!(own.granted(1, ms(210)), None);
        assert!(own.is_asking());
        assert_eq!(own.granted(2, ms(220)), Some(ms(840)));
        assert_eq!(own.granted(2, ms(230)), None);
        assert!(!own.is_asking());
    }

    #[test]
    fn a_lease_that_ended_while_its_renewal_was_under_way_is_not_renewed() {
        let mut own = OwnLease::restored(ms(500));
        assert!(own.ask(1, LENGTH, ms(490)));
        assert_eq!(own.granted(1, ms(500)), None);
        let mut own = OwnLease::restored(ms(500));
        assert!(own.ask(1, LENGTH, ms(490)));
        assert_eq!(own.granted(1, ms(499)), Some(ms(1130)), "the witness");
    }

    #[test]
    fn an_answer_that_comes_when_its_lease_would_be_over_gives_none() {
        let mut own = OwnLease::restored(Instant::ZERO);
        own.ask(1, LENGTH, ms(100));
        assert_eq!(own.granted(1, ms(740)), None);
        own.ask(2, LENGTH, ms(800));
        assert!(own.granted(2, ms(801)).is_some(), "the witness");
    }

    #[test]
    fn a_lease_expires_once() {
        let mut own = OwnLease::restored(ms(500));
        assert!(!own.expire(ms(499)));
        assert!(own.expire(ms(500)));
        assert!(!own.expire(ms(501)));
    }
}
