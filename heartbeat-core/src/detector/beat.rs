//! What every turn looks at of every member: column by column and of few bytes each, since a cluster may have 10,000 of
//! them, and all that is known of so many takes megabytes to walk through.

use super::presence::{Answering, Pace, Presence};
use crate::Slot;
use crate::aside::Aside;

/// It answered a probe of this mastership, and that was not judged yet.
const ANSWERED: u8 = 1 << 0;
/// Its answer says more than that it answered, and that was not judged yet.
const NOTED: u8 = 1 << 1;
/// It is not simply healthy: each period of it is judged by all that is known of it.
const UNSETTLED: u8 = 1 << 2;

/// Members that are counted together.
const PART: usize = 64;

/// Number of a probe; 0 for none. A type of its own, so that a column of them is hashed one by one: states are told apart by
/// how far numbers lie from one another.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Number(u64);

/// The members' answers, counted. Each column has one entry a member, in the order of their slots.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Beats {
    slots: Vec<Slot>,
    /// Newest probe over the management network that each answered.
    managed: Vec<Number>,
    /// Judged periods without an answer, in a row.
    missed: Vec<u16>,
    /// Answers that it takes until who is healthy and went missing of late is trusted; 0 for all others.
    distrusted: Aside<Vec<u16>>,
    marks: Vec<u8>,
}

impl Beats {
    /// These are the members, by slot. What was counted of those that stay, stays.
    pub(super) fn enrol(&mut self, slots: impl Iterator<Item = Slot>) {
        let known = std::mem::take(self);
        for slot in slots {
            let place = known.place(slot);
            self.slots.push(slot);
            self.managed
                .push(place.map_or(Number(0), |place| known.managed[place]));
            self.missed
                .push(place.map_or(0, |place| known.missed[place]));
            self.distrusted
                .push(place.map_or(0, |place| known.distrusted[place]));
            self.marks
                .push(place.map_or(UNSETTLED, |place| known.marks[place]));
        }
    }

    /// Nobody was judged yet, and nobody answered.
    pub(super) fn forget(&mut self) {
        self.managed.fill(Number(0));
        self.missed.fill(0);
        self.distrusted.fill(0);
        self.marks.fill(UNSETTLED);
    }

    pub(super) fn place(&self, slot: Slot) -> Option<usize> {
        self.slots.binary_search(&slot).ok()
    }

    /// The same; one look is enough for a slot behind the one at `from` where slots are dense, which they mostly are.
    pub(super) fn place_from(&self, from: usize, slot: Slot) -> Option<usize> {
        let first = self.slots.get(from)?;
        let ahead = usize::from(slot.saturating_sub(*first));
        match self.slots.get(from + ahead) {
            Some(found) if *found == slot => Some(from + ahead),
            Some(_) | None => self.place(slot),
        }
    }

    pub(super) fn slot(&self, place: usize) -> Option<Slot> {
        self.slots.get(place).copied()
    }

    /// The member at `place` answered this probe over the management network. `first` is this mastership's first one:
    /// answers to older ones say nothing.
    pub(super) fn answer(&mut self, place: usize, sequence: u64, first: Option<u64>) {
        if sequence <= self.managed[place].0 {
            return;
        }
        self.managed[place] = Number(sequence);
        if first.is_some_and(|first| sequence >= first) {
            self.marks[place] |= ANSWERED;
        }
    }

    /// The answer of the member at `place` says more than that it answered.
    pub(super) fn note(&mut self, place: usize) {
        self.marks[place] |= NOTED;
    }

    /// Counts one period of all about whom that is all there is to do: who is healthy, and neither goes missing by it nor
    /// becomes trusted or less so. The places of the others go to `review`.
    pub(super) fn count(&mut self, is_excused: bool, pace: Pace, review: &mut Vec<usize>) {
        let step = u16::from(!is_excused);
        let parts = (self.missed.chunks_mut(PART))
            .zip(self.distrusted.chunks_mut(PART))
            .zip(self.marks.chunks_mut(PART));
        for (first, ((missed, distrusted), marks)) in (0..).step_by(PART).zip(parts) {
            if !count_settled(missed, distrusted, marks, step, pace) {
                count_each(missed, distrusted, marks, step, pace, |place| {
                    review.push(first + place);
                });
            }
        }
    }

    pub(super) fn has_answered(&self, place: usize) -> bool {
        self.marks[place] & ANSWERED != 0
    }

    pub(super) fn is_noted(&self, place: usize) -> bool {
        self.marks[place] & NOTED != 0
    }

    /// Hands what was counted of the member at `place` to where all about it is known, before a period is judged there.
    pub(super) fn hand_over(&self, place: usize, presence: &mut Presence, pace: Pace) {
        let (missed, distrusted) = (self.missed[place], self.distrusted[place]);
        presence.catch_up(missed.into(), distrusted.into(), pace);
    }

    /// The period of the member at `place` was judged by all that is known of it.
    pub(super) fn judged(&mut self, place: usize, presence: &Presence, pace: Pace) {
        let narrow = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        // More than that many are as good: it is missing.
        self.missed[place] = narrow(presence.missed);
        let is_healthy = presence.answering == Answering::Healthy;
        // At the shortest period, 1 ms, 10,000.
        let distrusted = narrow(presence.answers_to_trust(pace));
        self.distrusted[place] = if is_healthy { distrusted } else { 0 };
        self.marks[place] = if is_healthy { 0 } else { UNSETTLED };
    }
}

/// Periods in a row without an answer, one more being over: `step` is 1 if it counts, and 0 if it does not.
const fn counted(missed: u16, marks: u8, step: u16) -> u16 {
    // None if it answered; without a branch, since in a large cluster every other one did.
    missed.saturating_add(step) & ((marks & ANSWERED) as u16).wrapping_sub(1)
}

/// Counts one period of a part of the members if all of them are healthy and trusted and none goes missing by it, which is
/// what nearly all parts of a large cluster mostly are: a few instructions for several members at once. Whether it did.
fn count_settled(
    missed: &mut [u16],
    distrusted: &[u16],
    marks: &mut [u8],
    step: u16,
    pace: Pace,
) -> bool {
    let mut others = distrusted.iter().fold(0, |any, one| any | one);
    for (missed, marks) in missed.iter().zip(&*marks) {
        let is_missing = u32::from(counted(*missed, *marks, step)) >= pace.fall;
        others |= u16::from(marks & (NOTED | UNSETTLED)) | u16::from(is_missing);
    }
    if others != 0 {
        return false;
    }
    for (missed, marks) in missed.iter_mut().zip(marks) {
        *missed = counted(*missed, *marks, step);
        *marks = 0;
    }
    true
}

/// The same for any part, one by one; hands to `review` the places in it of those that there is more to do about.
fn count_each(
    missed: &mut [u16],
    distrusted: &mut [u16],
    marks: &mut [u8],
    step: u16,
    pace: Pace,
    mut review: impl FnMut(usize),
) {
    let members = missed.iter_mut().zip(distrusted).zip(marks);
    for (place, ((missed, distrusted), marks)) in members.enumerate() {
        let answered = u16::from(*marks & ANSWERED);
        let counted = counted(*missed, *marks, step);
        let changes_trust =
            *distrusted != 0 && (*distrusted == answered || u32::from(counted) >= pace.turns);
        if *marks & (NOTED | UNSETTLED) != 0 || u32::from(counted) >= pace.fall || changes_trust {
            review(place);
        } else {
            *missed = counted;
            *distrusted -= answered.min(*distrusted);
            *marks = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What the columns count is what comes of judging each period by all that is known, whatever the member does.
    #[test]
    fn columns_count_as_if_each_period_were_judged_by_itself() {
        let mut random = Random::new(7);
        let mut counted = 0;
        for turns in [1, 2, 5] {
            let pace = Pace::of_questions(5, 30).in_turns(turns);
            // Of a thousand periods: never silent, now and then, often, flapping.
            for silent in [0, 20, 150, 500, 900] {
                let (mut beats, mut quick, mut whole) =
                    (Beats::default(), Presence::new(), Presence::new());
                beats.enrol(std::iter::once(3));
                let mut is_silent = false;
                for sequence in 1..5_000 {
                    if random.next().is_multiple_of(10) {
                        is_silent = (random.next() % 1_000) < silent;
                    }
                    let is_excused = random.next().is_multiple_of(50);
                    let is_asked = sequence % u64::from(turns) == 0;
                    let answers = is_asked && !is_silent && (random.next() % 1_000) >= silent / 5;
                    if answers {
                        beats.answer(0, sequence, Some(1));
                        whole.answer(pace);
                    } else if !is_excused {
                        whole.miss(pace);
                    }
                    let mut review = Vec::new();
                    beats.count(is_excused, pace, &mut review);
                    if review.is_empty() {
                        counted += 1;
                    } else {
                        beats.hand_over(0, &mut quick, pace);
                        if beats.has_answered(0) {
                            quick.answer(pace);
                        } else if !is_excused {
                            quick.miss(pace);
                        }
                        beats.judged(0, &quick, pace);
                    }
                    let mut now = quick;
                    beats.hand_over(0, &mut now, pace);
                    let seen = |it: &Presence| (it.answering, it.missed, it.answers_to_trust(pace));
                    assert_eq!(seen(&now), seen(&whole), "{turns}, {silent}, {sequence}");
                }
            }
        }
        assert!(counted > 20_000, "{counted} periods were only counted");
    }
}
