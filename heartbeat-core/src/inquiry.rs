//! A candidate's first question: would a majority vote, and if not, when?

use std::time::Duration;

use crate::event::QueryAnswer;
use crate::{Instant, Slot};

/// One query and what the electors' kernels answered.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Inquiry {
    sequence: u64,
    sent: Instant,
    answers: Vec<Answer>,
}

#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Answer {
    slot: Slot,
    incarnation: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum State {
    /// Bound to nobody when it answered.
    Yes,
    /// Bound until then.
    Held(Instant),
    /// It counts for nothing: it restarted without its maps, goes by other electors, or two machines share
    /// its slot.
    Void,
}

impl Inquiry {
    /// A query just sent.
    pub(crate) const fn new(sequence: u64, sent: Instant) -> Self {
        Self {
            sequence,
            sent,
            answers: Vec::new(),
        }
    }

    /// Whether `answer` belongs to this very query and came within one period: only answers to one
    /// question, given at about one time, show that a majority is free at once.
    pub(crate) fn accepts(&self, answer: &QueryAnswer, period: Duration) -> bool {
        answer.sequence == self.sequence && answer.arrival.since(self.sent) <= period
    }

    /// Counts an elector's answer. `is_sound`: it goes by the same electors' set.
    pub(crate) fn record(&mut self, answer: &QueryAnswer, is_sound: bool) {
        let state = match answer.grant_left {
            _ if !is_sound || answer.abstains => State::Void,
            Duration::ZERO => State::Yes,
            left => State::Held(answer.arrival + left),
        };
        let known = self
            .answers
            .iter_mut()
            .find(|known| known.slot == answer.from);
        match known {
            Some(known) if known.incarnation != answer.incarnation => known.state = State::Void,
            Some(_) => {}
            None => self.answers.push(Answer {
                slot: answer.from,
                incarnation: answer.incarnation,
                state,
            }),
        }
    }

    /// Others who answered at all.
    pub(crate) const fn answered(&self) -> usize {
        self.answers.len()
    }

    /// Others who would vote now.
    pub(crate) fn yes(&self) -> usize {
        self.answers
            .iter()
            .filter(|answer| answer.state == State::Yes)
            .count()
    }

    /// Whether this one would.
    pub(crate) fn is_yes(&self, slot: Slot) -> bool {
        self.answers
            .iter()
            .any(|answer| answer.slot == slot && answer.state == State::Yes)
    }

    /// When `votes` (at least 1) others are free, as far as they answered.
    pub(crate) fn free_at(&self, votes: usize) -> Option<Instant> {
        assert!(
            votes > 0,
            "with no vote needed there is nothing to wait for"
        );
        let ends = self.answers.iter().filter_map(|answer| match answer.state {
            State::Yes => Some(Instant::ZERO),
            State::Held(end) => Some(end),
            State::Void => None,
        });
        let mut ends: Vec<Instant> = ends.collect();
        ends.sort_unstable();
        ends.get(votes - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn answer(from: Slot, left_us: u64) -> QueryAnswer {
        QueryAnswer {
            from,
            sequence: 8,
            arrival: Instant(1_000_000),
            incarnation: u64::from(from) * 10,
            grant_left: Duration::from_micros(left_us),
            ..QueryAnswer::default()
        }
    }

    #[test]
    fn only_answers_to_this_query_within_one_period_are_accepted() {
        let inquiry = Inquiry::new(8, Instant(0));
        assert!(inquiry.accepts(&answer(2, 0), PERIOD));
        let late = QueryAnswer {
            arrival: Instant(10_000_001),
            ..answer(2, 0)
        };
        assert!(!inquiry.accepts(&late, PERIOD));
        let older = QueryAnswer {
            sequence: 7,
            ..answer(2, 0)
        };
        assert!(!inquiry.accepts(&older, PERIOD));
    }

    #[test]
    fn who_is_held_abstains_or_goes_by_other_electors_is_no_yes() {
        let mut inquiry = Inquiry::new(8, Instant(0));
        inquiry.record(&answer(2, 40), true);
        inquiry.record(
            &QueryAnswer {
                abstains: true,
                ..answer(3, 0)
            },
            true,
        );
        inquiry.record(&answer(4, 0), false);
        assert_eq!((inquiry.yes(), inquiry.answered()), (0, 3));
        inquiry.record(&answer(5, 0), true);
        assert_eq!(inquiry.yes(), 1);
        assert!(inquiry.is_yes(5) && !inquiry.is_yes(2));
    }

    #[test]
    fn a_copy_of_an_answer_counts_once_and_two_machines_in_a_slot_not_at_all() {
        let mut inquiry = Inquiry::new(8, Instant(0));
        inquiry.record(&answer(2, 0), true);
        inquiry.record(&answer(2, 0), true);
        assert_eq!(inquiry.yes(), 1);
        inquiry.record(
            &QueryAnswer {
                incarnation: 999,
                ..answer(2, 0)
            },
            true,
        );
        assert_eq!(inquiry.yes(), 0);
    }

    #[test]
    fn it_is_asked_again_when_enough_grants_are_over() {
        let mut inquiry = Inquiry::new(8, Instant(0));
        inquiry.record(&answer(2, 500), true);
        assert_eq!(inquiry.free_at(2), None);
        inquiry.record(&answer(3, 0), true);
        inquiry.record(&answer(4, 200), true);
        assert_eq!(inquiry.free_at(1), Some(Instant::ZERO));
        assert_eq!(inquiry.free_at(2), Some(Instant(1_200_000)));
        assert_eq!(inquiry.free_at(3), Some(Instant(1_500_000)));
        assert_eq!(inquiry.free_at(4), None);
    }
}
