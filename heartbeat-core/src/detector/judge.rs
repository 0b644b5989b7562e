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
            let is_next = self
                .beats
                .get(next)
                .is_some_and(|beat| beat.slot == reply.slot);
            let place = if is_next {
                Some(next)
            } else {
                self.place(reply.slot)
            };
            if let Some(place) = place {
                let beat = &mut self.beats[place];
                if road_of(reply.sequence) == Network::Management {
                    beat.managed = beat.managed.max(reply.sequence);
                }
                beat.is_noted |= self.members[place].note(reply);
                next = place + 1;
            }
        }
    }

    /// Members answered, by slot.
    pub(crate) fn heard(&mut self, answers: &[Heard]) {
        let mut beats = self.beats.iter_mut().peekable();
        for answer in answers {
            while beats.next_if(|beat| beat.slot < answer.slot).is_some() {}
            if let Some(beat) = beats.next_if(|beat| beat.slot == answer.slot) {
                beat.managed = beat.managed.max(answer.sequence);
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
        for (place, beat) in self.beats.iter_mut().enumerate() {
            let has_answered = beat.has_answered(first);
            if has_answered {
                beat.counted = beat.managed;
            }
            let is_missed = !has_answered && !is_excused;
            if beat.count(has_answered, is_missed, self.pace.fall) {
                continue;
            }
            let member = &mut self.members[place];
            member.presence.missed = beat.missed;
            if has_answered {
                member.presence.answer(self.pace);
            } else if is_missed {
                member.presence.miss(self.pace);
            }
            let words = (member.reply.as_ref()).filter(|reply| reply.sequence >= first);
            if let Some(reply) = words.filter(|_| beat.is_noted) {
                member.heeded = reply.sequence;
                let diagnosis = of_reply(reply, config, self.service_limit);
                member.settled.feed(diagnosis);
            }
            beat.judged(&member.presence);
            self.review.push(place);
        }
        is_excused
    }

    /// The places, among [`Detector::members`], of those that the last judgement did more about than count: nothing
    /// about any other member changed.
    pub(crate) fn to_review(&self) -> &[usize] {
        &self.review
    }
}
