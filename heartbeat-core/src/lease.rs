//! The lease's arithmetic: how long a master may act, by its own clock.

use crate::config::Timing;
use crate::{Epoch, Instant};

/// A mastership's right to act until `deadline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) epoch: Epoch,
    pub(crate) deadline: Instant,
}

impl Lease {
    /// The lease that rests on questions first sent at `sent`.
    ///
    /// Sent is before received, and the guard covers both clocks' rates, so it ends before the grants
    /// that the electors gave for L from when they received the question.
    pub(crate) fn since(epoch: Epoch, sent: Instant, timing: &Timing) -> Self {
        Self {
            epoch,
            deadline: deadline(sent, timing),
        }
    }

    pub(crate) fn holds(&self, now: Instant) -> bool {
        now < self.deadline
    }

    /// Extends the lease to what a majority granted to a probe sent at `sent`. Whether it grew.
    pub(crate) fn renew(&mut self, sent: Instant, timing: &Timing, now: Instant) -> bool {
        assert!(
            self.holds(now),
            "an expired lease is over: its epoch is never used again"
        );
        assert!(sent <= now, "no probe is granted before it is sent");
        let renewed = deadline(sent, timing);
        let grew = renewed > self.deadline;
        self.deadline = self.deadline.max(renewed);
        grew
    }
}

fn deadline(sent: Instant, timing: &Timing) -> Instant {
    sent + timing.lease() - timing.drift_guard()
}

/// The newest send time that `majority` of the electors granted, given each one's newest.
pub(crate) fn majority_sent(newest: &mut [Instant], majority: usize) -> Option<Instant> {
    assert!(majority > 0, "a cluster has electors");
    newest.sort_unstable_by(|a, b| b.cmp(a));
    newest.get(majority - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TIMING: Timing = Timing {
        period: Duration::from_millis(10),
        multiplier: 5,
        max_lease: Duration::from_millis(200),
    };

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn a_lease_ends_the_drift_guard_before_the_grants_it_rests_on() {
        let lease = Lease::since(Epoch::new(1, 1), ms(100), &TIMING);
        assert_eq!(lease.deadline, ms(140));
        assert!(lease.holds(ms(139)));
        assert!(!lease.holds(ms(140)));
    }

    #[test]
    fn a_renewal_by_an_older_probe_shortens_nothing() {
        let mut lease = Lease::since(Epoch::new(1, 1), ms(100), &TIMING);
        assert!(!lease.renew(ms(95), &TIMING, ms(120)));
        assert_eq!(lease.deadline, ms(140));
        assert!(lease.renew(ms(110), &TIMING, ms(120)));
        assert_eq!(lease.deadline, ms(150));
    }

    #[test]
    #[should_panic(expected = "an expired lease is over")]
    fn an_expired_lease_is_never_renewed() {
        let mut lease = Lease::since(Epoch::new(1, 1), ms(100), &TIMING);
        lease.renew(ms(139), &TIMING, ms(140));
    }

    #[test]
    fn the_lease_rests_on_what_a_majority_granted_not_on_the_newest_grant() {
        assert_eq!(
            majority_sent(&mut [ms(10), ms(30), ms(20)], 2),
            Some(ms(20))
        );
        assert_eq!(
            majority_sent(&mut [ms(10), ms(30), ms(20), ms(5), ms(1)], 3),
            Some(ms(10))
        );
        assert_eq!(majority_sent(&mut [ms(10)], 2), None);
    }
}
