//! Who is reachable over the business network. Every member that has a place there is asked at the poll's pace, and
//! again and again once it did not answer.

use std::collections::VecDeque;
use std::time::Duration;

use super::presence::{Answering, Pace, Presence};
use super::{Detector, Watched};
use crate::config::{Config, Timing};
use crate::side::Side;
use crate::snapshot::Diagnosis;
use crate::{Instant, Slot};

/// Most answers in a row that it takes to be reachable again: 5 s of them.
const MOST_RISE: u32 = 25;
/// From when an answer was looked for in vain until the next question.
const REST: Duration = Timing::BUSINESS_PAUSE.saturating_sub(Timing::BUSINESS_ANSWER);
/// Most members that are judged in one turn, and most that are asked.
pub(super) const MOST_A_TURN: usize = 16;

/// What is known of one member's place on the business network.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Reach {
    presence: Presence,
    asked_at: Instant,
    /// When the first of the questions in a row left that it did not answer.
    lost_at: Instant,
    /// It is asked, or waits to be.
    is_open: bool,
    /// It is not reachable, and it is not this node's side that is to blame.
    pub(super) is_at_fault: bool,
}

/// What is to be done about a member that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Ask,
    Pause,
    Rest,
}

impl Reach {
    pub(super) const fn new() -> Self {
        Self {
            presence: Presence::new(),
            asked_at: Instant::ZERO,
            lost_at: Instant::ZERO,
            is_open: false,
            is_at_fault: false,
        }
    }

    /// Whether it was found reachable, or not, since this mastership began.
    pub(super) fn is_known(&self) -> bool {
        self.presence.answering != Answering::Unknown
    }

    /// Since when it is silent, if it was for a whole row of questions.
    fn silent_since(&self) -> Option<Instant> {
        (self.presence.answering == Answering::Missing).then_some(self.lost_at)
    }

    /// Its time to answer is over; `is_excused` if this node may have been too late to see the answer.
    fn judge(&mut self, reached_at: Instant, is_excused: bool) -> Next {
        let pace = Pace::of_questions(Timing::BUSINESS_QUESTIONS, MOST_RISE);
        let has_answered = reached_at >= self.asked_at;
        if has_answered {
            self.presence.answer(pace);
        } else if !is_excused {
            if self.presence.missed == 0 {
                self.lost_at = self.asked_at;
            }
            self.presence.miss(pace);
        }
        match self.presence.answering {
            Answering::Missing if has_answered => Next::Ask,
            Answering::Missing => Next::Pause,
            Answering::Healthy | Answering::Unknown if !has_answered => Next::Ask,
            Answering::Healthy | Answering::Unknown if self.presence.is_wary() => Next::Pause,
            Answering::Healthy | Answering::Unknown => Next::Rest,
        }
    }
}

/// The places of those that are asked, and of those that are to be, in the order in which their time comes.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Questions {
    /// Who was asked, and when its answer is looked for.
    asked: VecDeque<(usize, Instant)>,
    /// Who is to be asked, and when.
    pausing: VecDeque<(usize, Instant)>,
}

fn pop_due(queue: &mut VecDeque<(usize, Instant)>, now: Instant) -> Option<usize> {
    let (place, due) = queue.front().copied()?;
    (due <= now).then(|| queue.pop_front())?;
    Some(place)
}

impl Detector {
    /// Nobody is asked any more: the places are others now, or another mastership began.
    pub(super) fn close_questions(&mut self) {
        for member in &mut self.members {
            member.reach.is_open = false;
        }
        // Room for all: asking allocates nothing.
        let members = self.members.len();
        for queue in [&mut self.questions.asked, &mut self.questions.pausing] {
            queue.clear();
            queue.reserve(members);
        }
    }

    /// A question leaves for that member over the business network: its answer is looked for.
    pub(crate) fn asked(&mut self, slot: Slot, config: &Config, now: Instant) {
        if let Some(place) = self.place_to_ask(slot, config) {
            self.members[place].reach.is_open = true;
            self.await_answer(place, now);
        }
    }

    /// Has that member asked soon: something about it changed.
    pub(crate) fn doubt(&mut self, slot: Slot, config: &Config, now: Instant) {
        if let Some(place) = self.place_to_ask(slot, config) {
            self.members[place].reach.is_open = true;
            self.questions.pausing.push_back((place, now));
        }
    }

    /// Where it is, if it has a place on the business network and is not asked already.
    fn place_to_ask(&self, slot: Slot, config: &Config) -> Option<usize> {
        let place = self.place(slot)?;
        let is_open = self.members[place].reach.is_open;
        let can_be_asked = config.is_on_business(config.slot) && config.is_on_business(slot);
        (can_be_asked && !is_open).then_some(place)
    }

    fn await_answer(&mut self, place: usize, now: Instant) {
        self.members[place].reach.asked_at = now;
        self.questions
            .asked
            .push_back((place, now + Timing::BUSINESS_ANSWER));
    }

    /// Looks for the answers whose time is over, and hands to `ask` who is to be asked now.
    pub(crate) fn judge_reach(
        &mut self,
        side: &mut Side,
        is_excused: bool,
        now: Instant,
        mut ask: impl FnMut(Slot),
    ) {
        for _ in 0..MOST_A_TURN {
            let Some(place) = pop_due(&mut self.questions.asked, now) else {
                break;
            };
            match self.members[place].judge_reach(side, is_excused, now) {
                Next::Ask => self.questions.pausing.push_front((place, now)),
                Next::Pause => self.questions.pausing.push_back((place, now + REST)),
                Next::Rest => self.members[place].reach.is_open = false,
            }
            self.review.push(place);
        }
        for _ in 0..MOST_A_TURN {
            let Some(place) = pop_due(&mut self.questions.pausing, now) else {
                break;
            };
            ask(self.members[place].slot);
            self.await_answer(place, now);
        }
    }
}

impl Watched {
    /// Who does not answer on the management network either, or whose daemon stands still, cannot be judged.
    fn judge_reach(&mut self, side: &mut Side, is_excused: bool, now: Instant) -> Next {
        let is_alive = self.answering() == Answering::Healthy
            && !matches!(
                self.settled.shown(),
                Diagnosis::DaemonStalled | Diagnosis::Unknown
            );
        if !is_alive {
            self.reach = Reach::new();
            return Next::Rest;
        }
        let next = self.reach.judge(self.reached_at, is_excused);
        let before = self.reach.is_at_fault;
        self.reach.is_at_fault = self.reach.silent_since().is_some_and(|since| {
            let blamed = side.blames(self.slot, since, now);
            blamed.unwrap_or(before)
        });
        next
    }
}
