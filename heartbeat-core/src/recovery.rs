//! How long a failed service is tried to be brought back before it counts as lost.

use std::time::Duration;

use crate::Instant;

/// Doublings of the pause between two attempts, at most: more would only wait for ever.
const MOST_DOUBLINGS: u32 = 16;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How often; 0: nothing can be tried.
    pub attempts: u32,
    /// Pause after an attempt before the next one; doubled each time.
    pub backoff: Duration,
    /// After so long since the failure the service is lost, whatever is still tried.
    pub within: Duration,
}

impl Plan {
    /// Nothing is tried.
    pub const NONE: Self = Self {
        attempts: 0,
        backoff: Duration::ZERO,
        within: Duration::ZERO,
    };
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this time.
    Wait(Instant),
    /// Make an attempt, and say when it has ended.
    Attempt,
    /// The service is lost, unless it comes back by itself.
    GiveUp,
}

/// One failure of one service, from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    plan: Plan,
    ends_at: Instant,
    tried: u32,
    next_at: Instant,
    /// An attempt is being made.
    is_trying: bool,
}

impl Recovery {
    /// The service failed just now.
    #[must_use]
    pub fn begin(plan: Plan, now: Instant) -> Self {
        Self {
            plan,
            ends_at: now + plan.within,
            tried: 0,
            next_at: now,
            is_trying: false,
        }
    }

    /// How many attempts were begun.
    #[must_use]
    pub const fn tried(&self) -> u32 {
        self.tried
    }

    /// When the next attempt is due; `None` while one is made, and after the last one.
    #[must_use]
    pub fn next_attempt(&self) -> Option<Instant> {
        let is_due = !self.is_trying && self.tried < self.plan.attempts;
        is_due.then_some(self.next_at)
    }

    /// What is to be done; an attempt counts as begun.
    pub fn step(&mut self, now: Instant) -> Step {
        let has_left = self.tried < self.plan.attempts;
        // The last attempt too has its pause to show an effect.
        let is_over = !has_left && !self.is_trying && now >= self.next_at;
        if now >= self.ends_at || is_over {
            return Step::GiveUp;
        }
        if self.is_trying {
            return Step::Wait(self.ends_at);
        }
        if now < self.next_at {
            return Step::Wait(self.next_at.min(self.ends_at));
        }
        self.tried += 1;
        self.is_trying = true;
        Step::Attempt
    }

    /// The attempt has ended; whether it helped, the checks say.
    pub fn ended(&mut self, now: Instant) {
        self.is_trying = false;
        let doublings = self.tried.saturating_sub(1).min(MOST_DOUBLINGS);
        self.next_at = now + self.plan.backoff.saturating_mul(1 << doublings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        attempts: 2,
        backoff: Duration::from_millis(100),
        within: Duration::from_millis(1_000),
    };

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn attempts_have_doubling_pauses_and_the_last_one_has_its_pause_too() {
        let mut recovery = Recovery::begin(PLAN, ms(0));
        assert_eq!(recovery.step(ms(0)), Step::Attempt);
        assert_eq!(recovery.step(ms(10)), Step::Wait(ms(1_000)));
        assert_eq!(recovery.next_attempt(), None);
        recovery.ended(ms(20));
        assert_eq!(recovery.step(ms(20)), Step::Wait(ms(120)));
        assert_eq!(recovery.next_attempt(), Some(ms(120)));
        assert_eq!(recovery.step(ms(120)), Step::Attempt);
        recovery.ended(ms(130));
        assert_eq!(recovery.step(ms(130)), Step::Wait(ms(330)));
        assert_eq!(recovery.step(ms(330)), Step::GiveUp);
        assert_eq!((recovery.tried(), recovery.next_attempt()), (2, None));
    }

    #[test]
    fn an_attempt_that_does_not_end_is_not_waited_for_beyond_the_time() {
        let mut recovery = Recovery::begin(PLAN, ms(0));
        assert_eq!(recovery.step(ms(0)), Step::Attempt);
        assert_eq!(recovery.step(ms(999)), Step::Wait(ms(1_000)));
        assert_eq!(recovery.step(ms(1_000)), Step::GiveUp);
    }

    #[test]
    fn without_a_plan_the_service_is_lost_at_once() {
        assert_eq!(Recovery::begin(Plan::NONE, ms(5)).step(ms(5)), Step::GiveUp);
    }
}
