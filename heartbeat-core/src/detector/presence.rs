//! Healthy or missing: whether the probes that asked were answered.

use std::time::Duration;

use crate::aside::Aside;
use crate::config::Timing;

/// Periods in a row that who is missing must answer before it counts as healthy: a link that flaps must not
/// flap the display.
pub(crate) const RISE: u32 = 2;
/// Who goes missing again soon must answer so many times longer than the last time.
const RISE_GROWTH: u32 = 8;
/// Longest time that who is missing must answer. After twice as long without going missing, the first rise is
/// enough again.
const LONGEST_RISE: Duration = Duration::from_secs(5);

/// What is known of somebody's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Answering {
    /// Not judged yet.
    Unknown,
    /// It answers.
    Healthy,
    /// It did not answer for a whole detect time.
    Missing,
}

/// In periods: how fast somebody goes missing, and how often it is asked; in answers: how many it takes at most to be
/// healthy again.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Pace {
    pub(super) fall: u32,
    most_rise: u32,
    pub(super) turns: u32,
}

impl Pace {
    /// Missing after `fall` periods without an answer.
    pub(crate) fn new(timing: &Timing, fall: u32) -> Self {
        let periods = LONGEST_RISE.as_nanos() / timing.period.as_nanos().max(1);
        Self {
            fall,
            most_rise: u32::try_from(periods).unwrap_or(u32::MAX).max(RISE),
            turns: 1,
        }
    }

    /// Missing after `fall` questions in a row without an answer; the turns count for nothing.
    pub(super) const fn of_questions(fall: u32, most_rise: u32) -> Self {
        Self {
            fall,
            most_rise,
            turns: 1,
        }
    }

    /// Answers after which the first rise is enough again.
    const fn steady(self) -> u32 {
        self.most_rise.saturating_mul(2)
    }

    /// The same for somebody who is asked once in so many periods.
    pub(super) fn in_turns(self, stride: u16) -> Self {
        Self {
            turns: stride.into(),
            ..self
        }
    }
}

/// Somebody's answers, period by period.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Presence {
    pub(crate) answering: Answering,
    /// Answers since it last missed `fall` in a row.
    answered: Aside<u32>,
    /// Misses in a row.
    pub(super) missed: u32,
    /// Answers that it takes to be healthy again; 0 before it was ever missing, and after a steady time.
    rise: u32,
}

impl Presence {
    pub(crate) const fn new() -> Self {
        Self {
            answering: Answering::Unknown,
            answered: Aside(0),
            missed: 0,
            rise: 0,
        }
    }

    /// Whether it went missing of late, so that it must answer longer the next time.
    pub(super) const fn is_wary(&self) -> bool {
        self.rise != 0
    }

    /// How many answers it takes until the first rise is enough again; 0 for one that is.
    pub(super) fn answers_to_trust(&self, pace: Pace) -> u32 {
        if self.is_wary() {
            pace.steady().saturating_sub(*self.answered).max(1)
        } else {
            0
        }
    }

    /// Its answers were counted elsewhere: so many periods in a row without one, so many answers until it is trusted.
    pub(super) fn catch_up(&mut self, missed: u32, answers_to_trust: u32, pace: Pace) {
        self.missed = missed;
        if answers_to_trust != 0 {
            *self.answered = pace.steady().saturating_sub(answers_to_trust);
        }
    }

    /// It answered.
    pub(crate) fn answer(&mut self, pace: Pace) {
        self.missed = 0;
        *self.answered = self.answered.saturating_add(1);
        self.answering = match self.answering {
            Answering::Missing if *self.answered < self.rise => Answering::Missing,
            Answering::Missing | Answering::Unknown | Answering::Healthy => Answering::Healthy,
        };
        if *self.answered >= pace.steady() {
            self.rise = 0;
        }
    }

    /// A period without an answer.
    pub(crate) fn miss(&mut self, pace: Pace) {
        self.missed = self.missed.saturating_add(1);
        let is_lost = self.missed >= pace.fall;
        // In a period in which it was not asked it missed nothing.
        let has_failed = self.missed >= pace.turns;
        // A longer rise would never be over on a link that loses a little: that is no flapping.
        if is_lost || (has_failed && self.rise <= RISE) {
            *self.answered = 0;
        }
        if is_lost && self.answering != Answering::Missing {
            self.answering = Answering::Missing;
            self.rise = match self.rise {
                0 => RISE,
                rise => rise.saturating_mul(RISE_GROWTH).min(pace.most_rise),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pace(fall: u32) -> Pace {
        Pace {
            fall,
            most_rise: 500,
            turns: 1,
        }
    }

    /// A link that is up and down for so many periods each; how often the display changed in so many cycles.
    fn changes(up: u32, down: u32, cycles: u32) -> u32 {
        let mut presence = Presence::new();
        let mut count = 0;
        for period in 0..cycles * (up + down) {
            let before = presence.answering;
            if period % (up + down) < up {
                presence.answer(pace(5));
            } else {
                presence.miss(pace(5));
            }
            count += u32::from(before != presence.answering);
        }
        count
    }

    #[test]
    fn a_member_is_missing_after_the_detect_time_and_healthy_again_after_two_answers() {
        let mut presence = Presence::new();
        presence.answer(pace(5));
        assert_eq!(presence.answering, Answering::Healthy);
        for _ in 0..4 {
            presence.miss(pace(5));
            assert_eq!(presence.answering, Answering::Healthy);
        }
        presence.miss(pace(5));
        assert_eq!(presence.answering, Answering::Missing);
        presence.answer(pace(5));
        assert_eq!(presence.answering, Answering::Missing);
        presence.answer(pace(5));
        assert_eq!(presence.answering, Answering::Healthy);
    }

    #[test]
    fn who_is_asked_in_every_other_period_is_healthy_again_after_two_answers_in_a_row() {
        let pace = pace(5).in_turns(2);
        let mut presence = Presence::new();
        (0..5).for_each(|_| presence.miss(pace));
        assert_eq!(presence.answering, Answering::Missing);
        // One answer, a period in which it is not asked, and an answer that is lost.
        presence.answer(pace);
        (0..3).for_each(|_| presence.miss(pace));
        presence.answer(pace);
        assert_eq!(presence.answering, Answering::Missing, "not in a row");
        presence.miss(pace);
        presence.answer(pace);
        assert_eq!(presence.answering, Answering::Healthy);
    }

    #[test]
    fn one_answer_in_a_detect_time_keeps_a_member_healthy() {
        let mut presence = Presence::new();
        for _ in 0..10 {
            presence.answer(pace(5));
            (0..4).for_each(|_| presence.miss(pace(5)));
        }
        assert_eq!(presence.answering, Answering::Healthy);
    }

    #[test]
    fn who_never_answered_is_unknown_until_the_detect_time_is_over() {
        let mut presence = Presence::new();
        presence.miss(pace(2));
        assert_eq!(presence.answering, Answering::Unknown);
        presence.miss(pace(2));
        assert_eq!(presence.answering, Answering::Missing);
    }

    #[test]
    fn a_link_that_flaps_is_shown_as_missing_after_a_few_changes_however_long_it_flaps() {
        for up in [20, 60, 100, 300] {
            let few = changes(up, 20, 20);
            assert!(few <= 9, "{few} changes at {up} periods");
            assert_eq!(few, changes(up, 20, 200), "at {up} periods");
        }
        assert!(
            changes(1_200, 20, 20) > 30,
            "what fails once in a while is no flapping"
        );
    }

    #[test]
    fn a_link_that_flapped_and_then_loses_a_tenth_is_healthy_again() {
        let mut presence = Presence::new();
        for _ in 0..10 {
            (0..100).for_each(|_| presence.answer(pace(5)));
            (0..10).for_each(|_| presence.miss(pace(5)));
        }
        assert_eq!(presence.answering, Answering::Missing);
        for _ in 0..60 {
            (0..9).for_each(|_| presence.answer(pace(5)));
            presence.miss(pace(5));
        }
        assert_eq!(presence.answering, Answering::Healthy);
    }
}
