//! The reference: who reaches it while the peer is silent is not the one that is cut off.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Instant;
use crate::config::Timing;

/// Questions whose answers still count: a lease's worth of periods, at most.
const OPEN_QUESTIONS: usize = 16;
/// Leases without an answer after which the reference is asked once a lease only.
const LONG_LEASES: u32 = 2;

/// What the references answered since the peer fell silent.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Reference {
    /// How many of them there are.
    count: u8,
    next_id: u64,
    questions: VecDeque<Question>,
    first_asked: Option<Instant>,
    asked_at: Instant,
    answered: Option<Answered>,
}

#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Question {
    id: u64,
    sent: Instant,
    /// One bit a reference.
    by: u16,
}

/// Questions that a majority answered, with at most one lost between two of them: when the first and the newest were
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Answered {
    pub(super) first: Instant,
    pub(super) newest: Instant,
}

impl Reference {
    pub(super) fn new(count: u8, first_id: u64) -> Self {
        Self {
            count,
            next_id: first_id,
            questions: VecDeque::with_capacity(OPEN_QUESTIONS),
            first_asked: None,
            asked_at: Instant::ZERO,
            answered: None,
        }
    }

    pub(super) const fn is_required(&self) -> bool {
        self.count > 0
    }

    pub(super) const fn answered(&self) -> Option<Answered> {
        self.answered
    }

    /// What was asked before is of no use: the peer was heard, or its silence stands only now.
    pub(super) fn forget(&mut self) {
        self.questions.clear();
        (self.first_asked, self.answered) = (None, None);
    }

    /// When it is to be asked next.
    pub(super) fn ask_at(&self, timing: &Timing) -> Instant {
        let Some(first) = self.first_asked else {
            return Instant::ZERO;
        };
        let answered_at = self.answered.map_or(first, |answered| answered.newest);
        let is_long = self.asked_at.since(answered_at) >= timing.lease() * LONG_LEASES;
        let pause = if is_long {
            timing.lease()
        } else {
            timing.period
        };
        self.asked_at + pause
    }

    /// It is asked now, by the question of this id.
    pub(super) fn ask(&mut self, now: Instant) -> u64 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        if self.questions.len() == OPEN_QUESTIONS {
            self.questions.pop_front();
        }
        self.questions.push_back(Question {
            id,
            sent: now,
            by: 0,
        });
        self.first_asked.get_or_insert(now);
        self.asked_at = now;
        id
    }

    /// One reference answered. When the question was sent, once a majority did.
    pub(super) fn answer(&mut self, id: u64, reference: u8, timing: &Timing) -> Option<Instant> {
        if reference >= self.count {
            return None;
        }
        let question = self
            .questions
            .iter_mut()
            .find(|question| question.id == id)?;
        let before = question.by.count_ones();
        question.by |= 1 << reference;
        let (after, needed, sent) = (
            question.by.count_ones(),
            u32::from(self.count) / 2 + 1,
            question.sent,
        );
        if after < needed || before >= needed {
            return None;
        }
        let answered = match self.answered {
            Some(known) if sent.since(known.newest) <= longest_gap(timing) => Answered {
                newest: known.newest.max(sent),
                ..known
            },
            // It was lost in between.
            Some(_) | None => Answered {
                first: sent,
                newest: sent,
            },
        };
        self.answered = Some(answered);
        Some(sent)
    }
}

/// A reference that answers nothing for longer was lost in between.
fn longest_gap(timing: &Timing) -> Duration {
    timing.period * 5 / 2
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

    const fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn an_answer_counts_from_when_its_question_was_sent() {
        let mut reference = Reference::new(1, 40);
        assert_eq!(reference.ask(ms(100)), 40);
        assert_eq!(reference.ask(ms(110)), 41);
        assert_eq!(reference.answer(40, 0, &TIMING), Some(ms(100)));
        assert_eq!(reference.answer(40, 0, &TIMING), None, "a copy");
        assert_eq!(reference.answer(41, 0, &TIMING), Some(ms(110)));
        let (first, newest) = (ms(100), ms(110));
        assert_eq!(reference.answered(), Some(Answered { first, newest }));
    }

    #[test]
    fn an_answer_to_what_was_never_asked_or_was_asked_before_the_peer_was_heard_is_none() {
        let mut reference = Reference::new(1, 40);
        assert_eq!(reference.answer(39, 0, &TIMING), None);
        let id = reference.ask(ms(100));
        reference.forget();
        assert_eq!(reference.answer(id, 0, &TIMING), None);
        assert_ne!(reference.ask(ms(120)), id, "no id is used twice");
        assert_eq!(reference.answered(), None);
    }

    #[test]
    fn a_majority_of_several_must_answer_one_question() {
        let mut reference = Reference::new(3, 1);
        let (old, new) = (reference.ask(ms(100)), reference.ask(ms(110)));
        assert_eq!(reference.answer(old, 0, &TIMING), None);
        assert_eq!(reference.answer(new, 1, &TIMING), None);
        assert_eq!(
            reference.answer(new, 1, &TIMING),
            None,
            "the same one again"
        );
        assert_eq!(reference.answer(new, 7, &TIMING), None, "no reference");
        assert_eq!(reference.answer(new, 2, &TIMING), Some(ms(110)));
    }

    #[test]
    fn a_reference_that_lost_more_than_one_answer_on_end_is_reached_anew() {
        let mut reference = Reference::new(1, 1);
        let ids: Vec<u64> = (0..8).map(|n| reference.ask(ms(100 + 10 * n))).collect();
        reference.answer(ids[0], 0, &TIMING);
        reference.answer(ids[2], 0, &TIMING);
        assert_eq!(reference.answered().map(|it| it.first), Some(ms(100)));
        let mut reference = Reference::new(1, 1);
        let ids: Vec<u64> = (0..8).map(|n| reference.ask(ms(100 + 10 * n))).collect();
        reference.answer(ids[0], 0, &TIMING);
        reference.answer(ids[3], 0, &TIMING);
        assert_eq!(reference.answered().map(|it| it.first), Some(ms(130)));
    }

    #[test]
    fn one_that_does_not_answer_is_asked_each_period_and_after_two_leases_once_a_lease() {
        let mut reference = Reference::new(1, 1);
        let mut asked = 0;
        for at in 100..400 {
            if reference.ask_at(&TIMING) <= ms(at) {
                reference.ask(ms(at));
                asked += 1;
            }
        }
        assert_eq!(asked, 11 + 3);
    }
}
