//! One tick in a pair's life: what came arrives, and both do what is due.

use std::sync::Arc;

use super::{Pair, PairScope};
use crate::hold::Hold;
use crate::machine::{Outcome, Wake};
use crate::packet::{Body, Packet};
use crate::watch::{self, Violation};

/// More steps than both have to do in one tick.
const MOST_STEPS: u32 = 1_000;

impl Pair {
    /// Both do all that is to be done, and the tick is over.
    pub(super) fn live(
        &mut self,
        scope: &PairScope,
        first: usize,
        is_slow: bool,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let order = [first, 1 - first];
        let mut left = MOST_STEPS;
        // What is sent in a slow tick waits; what came before does not.
        let mut held_back: [Vec<Packet>; 2] = Default::default();
        loop {
            let mut is_done = true;
            for place in order {
                is_done &= !self.go(scope, place, hold)?;
                if is_slow {
                    for (seat, waiting) in self.seats.iter_mut().zip(&mut held_back) {
                        waiting.append(&mut seat.later);
                    }
                } else {
                    self.arrive_later();
                }
            }
            if is_done {
                break;
            }
            left -= 1;
            if left == 0 {
                return Err(Violation::Assertion("a daemon is never through".to_owned()));
            }
        }
        for (seat, waiting) in self.seats.iter_mut().zip(held_back) {
            seat.later = waiting;
        }
        self.at += 1;
        self.ground.pass();
        self.arrive_later();
        for seat in &mut self.seats {
            Arc::make_mut(&mut seat.machine).forget_replies();
        }
        self.look(scope)
    }

    /// What was sent arrives.
    fn arrive_later(&mut self) {
        for seat in &mut self.seats {
            let later = std::mem::take(&mut seat.later);
            if !seat.is_off {
                seat.post.extend(later);
            }
        }
    }

    /// The next thing that this node does now. Whether there was one.
    fn go(&mut self, scope: &PairScope, place: usize, hold: &mut Hold) -> Result<bool, Violation> {
        if self.seats[place].is_off {
            return Ok(false);
        }
        if let Some(frame) = self.seats[place].take_frame() {
            self.receive(scope, place, &frame, hold)?;
            return Ok(true);
        }
        let (at, seat) = (self.at, &mut self.seats[place]);
        if seat.machine.daemon.is_none() {
            seat.forget_what_came();
        }
        let machine = &seat.machine;
        if !machine.is_idle() {
            return Ok(false);
        }
        let own = machine.wakes(machine.now(at), true).next();
        let Some(wake) = own.or_else(|| seat.told()) else {
            return Ok(false);
        };
        self.wake(scope, place, wake, hold)?;
        Ok(true)
    }

    fn receive(
        &mut self,
        scope: &PairScope,
        place: usize,
        packet: &Packet,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let Body::Frame(frame) = &packet.body else {
            return Ok(());
        };
        let (at, way) = (self.at, (packet.from, packet.network));
        let mut answers = Ok(());
        self.act(scope, place, hold, |machine, hold, outcome| {
            let now_ns = machine.now(at).0;
            let kernel = &mut machine.kernel;
            let answer = machine.processors.receive(kernel, frame, way, now_ns, hold);
            outcome.answer = machine.answered(answer);
            outcome.replied_twice = machine.processors.has_replied_twice;
            if let Some(answer) = &outcome.answer {
                answers = watch::answers_a_question(frame, answer);
            }
        })?;
        answers
    }

    /// What a step sent goes on its way, where the links carry it.
    pub(super) fn carry(&mut self, place: usize, outcome: Outcome) {
        let other = 1 - place;
        for packet in outcome.answer.into_iter().chain(outcome.packets) {
            if self.ground.carries(place, packet.network) && !self.seats[other].is_off {
                self.ground.heard(other);
                self.seats[other].later.push(packet);
            }
        }
        let reaches = self.ground.reaches(place);
        let seat = &mut self.seats[place];
        for id in outcome.asked {
            seat.asked = Some(id);
            if reaches {
                seat.answered.push_back(id);
            }
        }
        if let Some(id) = outcome.fences.last() {
            seat.fence = Some(*id);
        }
    }
}

impl super::Seat {
    fn take_frame(&mut self) -> Option<Packet> {
        let place = self.post.iter().position(Packet::is_frame)?;
        self.post.remove(place)
    }

    /// Nobody listens.
    fn forget_what_came(&mut self) {
        self.post.clear();
        self.answered.clear();
        self.fenced = None;
    }

    /// The next thing that somebody tells the daemon.
    fn told(&mut self) -> Option<Wake> {
        if let Some(id) = self.answered.pop_front() {
            return Some(Wake::Reference(id));
        }
        if let Some((id, done)) = self.fenced.take() {
            return Some(Wake::Fenced(id, done));
        }
        let packet = self.post.pop_front()?;
        Some(Wake::Message(Arc::new(packet)))
    }
}
