//! A member went missing on the management network: is it reachable over the business network?

use crate::Instant;
use crate::config::Timing;
use crate::poll;
use crate::snapshot::Diagnosis;

/// Questions over the business network, a period apart, before a member counts as down.
const TRIES: u32 = 3;

/// One missing member's case; opened anew at the poll's pace while it stays missing.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Inquest {
    /// What was found so far.
    finding: Diagnosis,
    opened_at: Instant,
    asked: u32,
    next_at: Instant,
}

impl Inquest {
    pub(super) const fn open(now: Instant) -> Self {
        Self {
            finding: Diagnosis::Unknown,
            opened_at: now,
            asked: 0,
            next_at: now,
        }
    }

    pub(super) const fn finding(&self) -> Diagnosis {
        self.finding
    }

    /// One turn; `reached_at` is when the member last answered over the business network. Whether it is
    /// to be asked now.
    pub(super) fn turn(&mut self, reached_at: Instant, timing: &Timing, now: Instant) -> bool {
        let is_reached = reached_at >= self.opened_at;
        if is_reached {
            self.finding = Diagnosis::ManagementFault;
        }
        if now < self.next_at {
            return false;
        }
        if self.asked < TRIES {
            self.asked += 1;
            self.next_at = now + timing.period;
            return true;
        }
        if !is_reached {
            self.finding = Diagnosis::Down;
        }
        (self.opened_at, self.asked, self.next_at) = (now, 0, now + poll::INTERVAL);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TIMING: Timing = Timing {
        period: Duration::from_millis(10),
        multiplier: 5,
        max_lease: Duration::from_millis(200),
        restart_lease: Duration::from_millis(200),
    };

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn a_member_that_answers_none_of_three_questions_is_down() {
        let mut inquest = Inquest::open(ms(1_000));
        for at in [1_000, 1_010, 1_020] {
            assert!(inquest.turn(ms(900), &TIMING, ms(at)));
            assert!(!inquest.turn(ms(900), &TIMING, ms(at + 9)), "once a period");
            assert_eq!(inquest.finding(), Diagnosis::Unknown);
        }
        assert!(!inquest.turn(ms(900), &TIMING, ms(1_030)));
        assert_eq!(inquest.finding(), Diagnosis::Down);
    }

    #[test]
    fn a_member_that_answers_has_a_fault_on_the_management_network_until_it_falls_silent() {
        let mut inquest = Inquest::open(ms(1_000));
        assert!(inquest.turn(ms(900), &TIMING, ms(1_000)));
        assert!(inquest.turn(ms(1_002), &TIMING, ms(1_010)));
        assert_eq!(inquest.finding(), Diagnosis::ManagementFault);
        assert!(inquest.turn(ms(1_012), &TIMING, ms(1_020)));
        assert!(!inquest.turn(ms(1_022), &TIMING, ms(1_030)));
        assert_eq!(inquest.finding(), Diagnosis::ManagementFault);
        for at in [11_030, 11_040, 11_050] {
            assert!(inquest.turn(ms(1_022), &TIMING, ms(at)));
        }
        assert!(!inquest.turn(ms(1_022), &TIMING, ms(11_060)));
        assert_eq!(inquest.finding(), Diagnosis::Down);
    }
}
