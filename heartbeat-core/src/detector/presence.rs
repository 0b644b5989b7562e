//! Healthy or missing: whether a member answered the probes that asked it.

/// Periods in a row that a missing member must answer before it counts as healthy: a link that flaps must
/// not flap the display.
pub(crate) const RISE: u32 = 2;

/// What is known of a member's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    /// Not judged yet.
    Unknown,
    /// It answers.
    Healthy,
    /// It did not answer for a whole detect time.
    Missing,
}

/// One member's answers, period by period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    pub(crate) answering: Answering,
    answered: u32,
    missed: u32,
}

impl Presence {
    pub(crate) const fn new() -> Self {
        Self {
            answering: Answering::Unknown,
            answered: 0,
            missed: 0,
        }
    }

    /// It answered.
    pub(crate) const fn answer(&mut self) {
        self.missed = 0;
        self.answered = self.answered.saturating_add(1);
        self.answering = match self.answering {
            Answering::Missing if self.answered < RISE => Answering::Missing,
            Answering::Missing | Answering::Unknown | Answering::Healthy => Answering::Healthy,
        };
    }

    /// It was asked, and did not answer; after `fall` of these it is missing.
    pub(crate) const fn miss(&mut self, fall: u32) {
        self.answered = 0;
        self.missed = self.missed.saturating_add(1);
        if self.missed >= fall {
            self.answering = Answering::Missing;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_missing_after_the_detect_time_and_healthy_again_after_two_answers() {
        let mut presence = Presence::new();
        presence.answer();
        assert_eq!(presence.answering, Answering::Healthy);
        for _ in 0..4 {
            presence.miss(5);
            assert_eq!(presence.answering, Answering::Healthy);
        }
        presence.miss(5);
        assert_eq!(presence.answering, Answering::Missing);
        presence.answer();
        assert_eq!(presence.answering, Answering::Missing);
        presence.answer();
        assert_eq!(presence.answering, Answering::Healthy);
    }

    #[test]
    fn one_answer_in_a_detect_time_keeps_a_member_healthy() {
        let mut presence = Presence::new();
        for _ in 0..10 {
            presence.answer();
            (0..4).for_each(|_| presence.miss(5));
        }
        assert_eq!(presence.answering, Answering::Healthy);
    }

    #[test]
    fn who_never_answered_is_unknown_until_the_detect_time_is_over() {
        let mut presence = Presence::new();
        presence.miss(2);
        assert_eq!(presence.answering, Answering::Unknown);
        presence.miss(2);
        assert_eq!(presence.answering, Answering::Missing);
    }
}
