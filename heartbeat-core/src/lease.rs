//! The lease's arithmetic: how long a master may act, by its own clock.

use std::time::Duration;

use crate::{Epoch, Instant};

/// A mastership's right to act until `deadline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Lease {
    pub(crate) epoch: Epoch,
    pub(crate) deadline: Instant,
}

impl Lease {
    /// The lease that rests on questions first sent at `sent`, which named `length`.
    ///
    /// Sent is before received, and the guard covers both clocks' rates, so it ends before the grants
    /// that the electors gave for `length` from when they received the question.
    pub(crate) fn since(epoch: Epoch, sent: Instant, length: Duration) -> Self {
        Self {
            epoch,
            deadline: deadline(sent, length),
        }
    }

    pub(crate) fn holds(&self, now: Instant) -> bool {
        now < self.deadline
    }

    /// Extends the lease to what a majority granted to probes sent at `sent` or later, each of which named
    /// at least `length`. Whether it grew.
    pub(crate) fn renew(&mut self, sent: Instant, length: Duration, now: Instant) -> bool {
        assert!(
            self.holds(now),
            "an expired lease is over: its epoch is never used again"
        );
        assert!(sent <= now, "no probe is granted before it is sent");
        let renewed = deadline(sent, length);
        let grew = renewed > self.deadline;
        self.deadline = self.deadline.max(renewed);
        grew
    }
}

/// How long after the sending of a question that named `length` the lease that rests on it ends.
pub(crate) fn reach(length: Duration) -> Duration {
    length - drift_guard(length)
}

fn deadline(sent: Instant, length: Duration) -> Instant {
    sent + reach(length)
}

/// d: taken off the master's lease. Time daemons slew CLOCK_BOOTTIME by up to 10% on each side, and
/// 0.8 / 0.9 < 1 / 1.1.
fn drift_guard(length: Duration) -> Duration {
    length / 5
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

    const LENGTH: Duration = Duration::from_millis(50);

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn a_lease_ends_the_drift_guard_before_the_grants_it_rests_on() {
        let lease = Lease::since(Epoch::new(1, 1), ms(100), LENGTH);
        assert_eq!(lease.deadline, ms(140));
        assert!(lease.holds(ms(139)));
        assert!(!lease.holds(ms(140)));
    }

    #[test]
    fn a_renewal_by_an_older_probe_shortens_nothing() {
        let mut lease = Lease::since(Epoch::new(1, 1), ms(100), LENGTH);
        assert!(!lease.renew(ms(95), LENGTH, ms(120)));
        assert!(!lease.renew(ms(100), LENGTH, ms(120)), "it grew by nothing");
        assert_eq!(lease.deadline, ms(140));
        assert!(lease.renew(ms(110), LENGTH, ms(120)));
        assert_eq!(lease.deadline, ms(150));
    }

    #[test]
    fn the_guard_is_a_fifth_of_the_lease_that_was_named() {
        let mut lease = Lease::since(Epoch::new(1, 1), ms(100), LENGTH);
        assert!(lease.renew(ms(110), LENGTH * 4, ms(120)));
        assert_eq!(lease.deadline, ms(270));
    }

    #[test]
    #[should_panic(expected = "an expired lease is over")]
    fn an_expired_lease_is_never_renewed() {
        let mut lease = Lease::since(Epoch::new(1, 1), ms(100), LENGTH);
        lease.renew(ms(139), LENGTH, ms(140));
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
