//! From single checks to whether a service works.

use heartbeat_core::Instant;

use super::look::{Fault, Finding};
use crate::config::service::Pace;

/// How a service is, as its checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// No check of it has succeeded yet.
    Starting,
    /// It works.
    Healthy,
    /// It does not.
    Failed,
}

/// Checks in a row that are needed beyond what the configuration says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct More {
    /// Until it has failed.
    pub(super) failures: u16,
    /// Until it works again.
    pub(super) successes: u16,
}

/// The checks of one service so far.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pace: Pace,
    grace_until: Instant,
    health: Health,
    /// Successes or failures in a row, whichever the last one was.
    in_row: u16,
    /// When the last one that succeeded began.
    pub(super) last_success: Option<Instant>,
    /// Why the last one failed.
    pub(super) fault: Option<Fault>,
    /// Why one failed last, and when that was known.
    pub(super) last_fault: Option<(Fault, Instant)>,
    /// How many took too long.
    pub(super) overruns: u64,
}

impl Judge {
    /// Nothing is known yet.
    pub(super) fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            grace_until: now + pace.start_grace,
            health: Health::Starting,
            in_row: 0,
            last_success: None,
            fault: None,
            last_fault: None,
            overruns: 0,
        }
    }

    /// The same, judged at another pace from now on.
    pub(super) fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(super) const fn health(&self) -> Health {
        self.health
    }

    /// What one check found.
    pub(super) fn take(&mut self, finding: &Finding, more: More) {
        match &finding.fault {
            None => self.succeeded(finding.begun, more.successes),
            Some(fault) => self.failed(fault, more.failures, finding.ended),
        }
    }

    fn succeeded(&mut self, begun: Instant, more: u16) {
        self.count(true);
        self.last_success = Some(begun);
        self.fault = None;
        let is_enough = match self.health {
            Health::Starting | Health::Healthy => true,
            Health::Failed => self.in_row >= self.pace.rise.saturating_add(more),
        };
        if is_enough {
            self.health = Health::Healthy;
        }
    }

    fn failed(&mut self, fault: &Fault, more: u16, now: Instant) {
        self.count(false);
        self.overruns += u64::from(*fault == Fault::Overran);
        // What is gone does not come back by being looked at again.
        let is_enough =
            self.in_row >= self.pace.fall.saturating_add(more) || matches!(fault, Fault::Gone(_));
        self.fault = Some(fault.clone());
        self.last_fault = Some((fault.clone(), now));
        let is_excused = self.health == Health::Starting && now < self.grace_until;
        if is_enough && !is_excused {
            self.health = Health::Failed;
        }
    }

    fn count(&mut self, is_success: bool) {
        let goes_on = self.fault.is_none() == is_success;
        self.in_row = if goes_on {
            self.in_row.saturating_add(1)
        } else {
            1
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
        start_grace: Duration::from_secs(30),
    };

    fn finding(second: u64, fault: Option<Fault>) -> Finding {
        Finding {
            index: 0,
            begun: Instant(second * 1_000_000_000),
            ended: Instant(second * 1_000_000_000),
            as_master: false,
            fault,
        }
    }

    /// What a service is after each of these checks, a second apart: `+` success, `-` failure, `x` gone.
    fn story(checks: &str) -> String {
        patient_story(checks, More::default())
    }

    fn patient_story(checks: &str, more: More) -> String {
        let mut judge = Judge::new(PACE, Instant::ZERO);
        let mut told = String::new();
        for (second, check) in (1..).zip(checks.chars()) {
            let fault = match check {
                '-' => Some(Fault::Found("refused".to_owned())),
                'x' => Some(Fault::Gone("gone".to_owned())),
                _ => None,
            };
            judge.take(&finding(second, fault), more);
            told.push(match judge.health() {
                Health::Starting => 's',
                Health::Healthy => 'h',
                Health::Failed => 'f',
            });
        }
        told
    }

    #[test]
    fn rise_and_fall_count_checks_in_a_row() {
        assert_eq!(story("+--+---+-++"), "hhhhhhffffh");
        assert_eq!(story("+x++"), "hffh", "what is gone has failed at once");
    }

    #[test]
    fn who_waits_for_others_to_fail_first_takes_more_failures() {
        let more = More {
            failures: 2,
            successes: 0,
        };
        assert_eq!(patient_story("+-----+", more), "hhhhhff");
    }

    #[test]
    fn who_waits_for_others_to_work_first_takes_more_successes() {
        let more = More {
            failures: 0,
            successes: 2,
        };
        assert_eq!(patient_story("+---+++-++++", more), "hhhffffffffh");
    }

    #[test]
    fn a_service_that_never_worked_has_failed_only_after_the_grace() {
        let told = story(&"-".repeat(31));
        assert_eq!(told, "s".repeat(29) + "ff");
        assert_eq!(
            story("--+---"),
            "sshhhf",
            "once it worked the grace is over"
        );
    }

    #[test]
    fn a_check_that_takes_too_long_is_counted_as_that() {
        let mut judge = Judge::new(PACE, Instant::ZERO);
        judge.take(&finding(1, None), More::default());
        judge.take(&finding(2, Some(Fault::Overran)), More::default());
        judge.take(
            &finding(3, Some(Fault::Found("refused".to_owned()))),
            More::default(),
        );
        assert_eq!(judge.overruns, 1);
        assert_eq!(judge.last_success, Some(Instant(1_000_000_000)));
    }
}
