//! Whether the peer is silent: not heard on any network that counts, and asked three times in vain.

use std::time::Duration;

use crate::Instant;
use crate::config::Timing;

/// Questions, a period apart, that must go unanswered.
const QUESTIONS: u32 = 3;
/// Leases of silence after which the peer is asked once a lease only: nothing hangs on it any more.
const LONG_LEASES: u32 = 2;

/// What is known of the peer's silence.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Silence {
    /// When the peer was heard last.
    heard_at: Instant,
    /// Questions asked since in a row, each on time, and when the newest one left.
    asked: u32,
    asked_at: Instant,
    /// How many were asked when the peer's kernel last answered as one with a living daemon does.
    kernel_lived: Option<u32>,
    since: Option<Instant>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing yet.
    Wait,
    /// The peer is to be asked now.
    Ask,
    /// The peer's silence is established.
    Stands,
}

impl Silence {
    /// Of a peer that was never heard: it is asked at once.
    pub(super) const fn new() -> Self {
        Self::after(Instant::ZERO)
    }

    const fn after(heard_at: Instant) -> Self {
        Self {
            heard_at,
            asked: 0,
            asked_at: Instant::ZERO,
            kernel_lived: None,
            since: None,
        }
    }

    pub(super) const fn since(&self) -> Option<Instant> {
        self.since
    }

    /// The peer was heard at `at`. Whether that ends a silence.
    pub(super) fn heard(&mut self, at: Instant) -> bool {
        let was_silent = self.since.is_some();
        *self = Self::after(self.heard_at.max(at));
        was_silent
    }

    pub(super) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// The peer's kernel answered, with a gate that is shut, and a daemon that gave a sign of life within a lease.
    pub(super) const fn kernel_lives(&mut self) {
        self.kernel_lived = Some(self.asked);
    }

    /// The peer's kernel answered that its gate is shut and that its daemon is dead: that is as silent as no answer.
    pub(super) const fn kernel_is_alone(&mut self) {
        self.kernel_lived = None;
    }

    /// The next thing to do. `may_judge`: whatever the peer answered by now is known.
    ///
    /// What comes due and is found late says nothing of the peer: who did not run itself begins anew.
    pub(super) fn step(&mut self, may_judge: bool, timing: &Timing, now: Instant) -> Step {
        if may_judge
            && let Some(due) = self.judged_at(timing)
            && due <= now
        {
            if is_late(due, timing, now) {
                self.begin_anew();
            } else {
                self.since = Some(now);
                return Step::Stands;
            }
        }
        let due = self.asked_next_at(timing);
        if due > now {
            return Step::Wait;
        }
        if self.asked > 0 && self.since.is_none() && is_late(due, timing, now) {
            self.begin_anew();
        }
        self.asked = self.asked.saturating_add(1);
        self.asked_at = now;
        Step::Ask
    }

    const fn begin_anew(&mut self) {
        (self.asked, self.kernel_lived) = (0, None);
    }

    /// When [`Self::step`] has something to do.
    pub(super) fn timeout(&self, may_judge: bool, timing: &Timing) -> Instant {
        let asked = self.asked_next_at(timing);
        match self.judged_at(timing).filter(|_| may_judge) {
            Some(judged) => asked.min(judged),
            None => asked,
        }
    }

    /// The answer to a probe is missed a quarter of a period after it was due.
    fn asked_next_at(&self, timing: &Timing) -> Instant {
        if self.asked == 0 {
            return self.heard_at + timing.period + answer_time(timing);
        }
        let is_long = self
            .since
            .is_some_and(|since| self.asked_at.since(since) >= timing.lease() * LONG_LEASES);
        let pause = if is_long {
            timing.lease()
        } else {
            timing.period
        };
        self.asked_at + pause
    }

    /// When the silence stands if nothing is heard until then.
    fn judged_at(&self, timing: &Timing) -> Option<Instant> {
        let unanswered = self.asked - self.kernel_lived.unwrap_or(0);
        (self.since.is_none() && unanswered >= QUESTIONS)
            .then(|| self.asked_at + answer_time(timing))
    }
}

/// How long an answer is waited for.
fn answer_time(timing: &Timing) -> Duration {
    timing.period / 4
}

fn is_late(due: Instant, timing: &Timing, now: Instant) -> bool {
    now.since(due) > timing.period / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        period: Duration::from_millis(10),
        multiplier: 5,
        max_lease: Duration::from_millis(200),
        restart_lease: Duration::from_millis(200),
    };

    const fn us(us: u64) -> Instant {
        Instant(us * 1_000)
    }

    /// Steps at each of its own times until it stands; when each question left, and since when it stands.
    fn run(silence: &mut Silence, until: Instant) -> (Vec<u64>, Option<u64>) {
        let mut asked = Vec::new();
        loop {
            let at = silence.timeout(true, &TIMING);
            if at > until {
                return (asked, silence.since().map(|since| since.0 / 1_000));
            }
            match silence.step(true, &TIMING, at) {
                Step::Ask => asked.push(at.0 / 1_000),
                Step::Stands | Step::Wait => {}
            }
        }
    }

    fn heard(at: Instant) -> Silence {
        let mut silence = Silence::new();
        silence.heard(at);
        silence
    }

    #[test]
    fn three_questions_a_period_apart_go_out_after_the_first_missed_answer_and_then_it_stands() {
        let mut silence = heard(us(100_000));
        let (asked, since) = run(&mut silence, us(140_000));
        assert_eq!(asked, [112_500, 122_500, 132_500]);
        assert_eq!(since, Some(135_000));
    }

    #[test]
    fn whatever_is_heard_ends_it_and_the_questions_begin_anew() {
        let mut silence = heard(us(100_000));
        run(&mut silence, us(140_000));
        assert!(silence.heard(us(141_000)));
        assert_eq!(silence.since(), None);
        assert!(!silence.heard(us(141_500)), "nothing stood any more");
        assert_eq!(
            run(&mut silence, us(165_000)),
            (vec![154_000, 164_000], None)
        );
    }

    #[test]
    fn what_is_heard_between_the_questions_leaves_two_that_do_not_count() {
        let mut silence = heard(us(100_000));
        run(&mut silence, us(131_000));
        silence.heard(us(131_000));
        assert_eq!(run(&mut silence, us(165_000)).1, None);
        assert_eq!(run(&mut silence, us(166_000)).1, Some(166_000));
    }

    #[test]
    fn who_was_late_itself_begins_anew() {
        let mut silence = heard(us(100_000));
        run(&mut silence, us(133_000));
        assert_eq!(
            silence.step(true, &TIMING, us(141_000)),
            Step::Ask,
            "judged 6 ms late"
        );
        let (asked, since) = run(&mut silence, us(163_500));
        assert_eq!((asked.len(), since), (2, Some(163_500)));
        let mut silence = heard(us(100_000));
        run(&mut silence, us(113_000));
        assert_eq!(
            silence.step(true, &TIMING, us(128_000)),
            Step::Ask,
            "asked 5.5 ms late"
        );
        assert_eq!(run(&mut silence, us(150_000)).1, None);
    }

    #[test]
    fn a_kernel_with_a_living_daemon_is_no_silence_and_one_that_is_alone_is() {
        let mut silence = heard(us(100_000));
        run(&mut silence, us(133_000));
        silence.kernel_lives();
        assert_eq!(
            run(&mut silence, us(163_000)).1,
            None,
            "three questions since"
        );
        let mut silence = heard(us(100_000));
        run(&mut silence, us(133_000));
        silence.kernel_lives();
        run(&mut silence, us(143_000));
        silence.kernel_is_alone();
        assert_eq!(run(&mut silence, us(145_000)).1, Some(145_000));
    }

    #[test]
    fn a_master_that_did_not_read_the_answers_judges_nothing() {
        let mut silence = heard(us(100_000));
        for at in [112_500, 122_500, 132_500] {
            assert_eq!(silence.step(false, &TIMING, us(at)), Step::Ask);
        }
        assert_eq!(silence.step(false, &TIMING, us(135_000)), Step::Wait);
        assert_eq!(silence.timeout(false, &TIMING), us(142_500));
        assert_eq!(silence.step(true, &TIMING, us(135_000)), Step::Stands);
    }

    #[test]
    fn a_silence_that_lasts_is_asked_about_once_a_lease() {
        let mut silence = heard(us(100_000));
        run(&mut silence, us(400_000));
        let (asked, _) = run(&mut silence, us(700_000));
        assert!((5..=7).contains(&asked.len()), "{asked:?}");
    }
}
