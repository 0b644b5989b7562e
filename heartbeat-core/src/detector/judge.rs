//! One period: who answered, and what follows for each.

use std::time::Duration;

use super::Detector;
use super::diagnosis::of_reply;
use crate::config::Config;
use crate::event::{Heard, Reply};
use crate::message::Network;
use crate::roads::road_of;

impl Detector {
    /// Members' newest answers.
    pub(crate) fn note(&mut self, replies: &[Reply]) {
        // They come nearly in order, so the next one is mostly the next member.
        let mut next = 0;
        for reply in replies {
            let is_next = self.beats.slot(next) == Some(reply.slot);
            let place = if is_next {
                Some(next)
            } else {
                self.beats.place(reply.slot)
            };
            if let Some(place) = place {
                if road_of(reply.sequence) == Network::Management {
                    self.beats
                        .answer(place, reply.sequence, self.first_sequence);
                }
                if self.members[place].note(reply) {
                    self.beats.note(place);
                }
                next = place + 1;
            }
        }
    }

    /// Members answered, by slot.
    pub(crate) fn heard(&mut self, answers: &[Heard]) {
        let mut from = 0;
        for answer in answers {
            if let Some(place) = self.beats.place_from(from, answer.slot) {
                self.beats
                    .answer(place, answer.sequence, self.first_sequence);
                from = place;
            }
        }
    }

    /// Judges one period by the answers noted and heard.
    ///
    /// A period that began or ended late counts against nobody: a late probe leaves less than half a
    /// period to answer it in, and a machine that held this thread up may have held its packets up too.
    /// Returns whether this one did.
    pub(crate) fn judge(&mut self, lateness: Duration, config: &Config) -> bool {
        let runs_late = lateness > config.timing.period / 2;
        let is_excused = std::mem::replace(&mut self.ran_late, runs_late) || runs_late;
        self.review.clear();
        let Some(first) = self.first_sequence else {
            return is_excused;
        };
        self.beats.count(is_excused, self.pace, &mut self.review);
        for place in &*self.review {
            let place = *place;
            let member = &mut self.members[place];
            self.beats.hand_over(place, &mut member.presence, self.pace);
            if self.beats.has_answered(place) {
                member.presence.answer(self.pace);
            } else if !is_excused {
                member.presence.miss(self.pace);
            }
            let words = (member.reply.as_ref()).filter(|reply| reply.sequence >= first);
            if let Some(reply) = words.filter(|_| self.beats.is_noted(place)) {
                member.heeded = reply.sequence;
                let diagnosis = of_reply(reply, config, self.service_limit);
                member.settled.feed(diagnosis);
            }
            self.beats.judged(place, &member.presence, self.pace);
        }
        is_excused
    }

    /// The places, among [`Detector::members`], of those that the last judgement did more about than count: nothing
    /// about any other member changed.
    pub(crate) fn to_review(&self) -> &[usize] {
        &self.review
    }
}
