//! What becomes of a state by a step.

use std::sync::Arc;

use heartbeat_core::event::Order;
use heartbeat_wire::frame::Kind;

use super::{Action, World};
use crate::hold::Hold;
use crate::machine::{Outcome, Wake};
use crate::packet::{Body, Packet};
use crate::scope::{ANY, Scope, spend};
use crate::watch::{self, Violation};

impl World {
    /// Takes a step as far as `hold` lets it.
    ///
    /// # Errors
    /// What must never happen has happened.
    pub(crate) fn apply(
        &mut self,
        scope: &Scope,
        action: &Action,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let at = self.at;
        let place = match action {
            Action::Tick => {
                if self.budget.lates != ANY && self.is_anybody_due(scope) {
                    spend(&mut self.budget.lates);
                }
                self.at += 1;
                self.forget();
                return watch::look(self.machines(), &self.begun, self.at);
            }
            Action::Arrive(packet, comes_again) => {
                let packet = self.take(*packet, *comes_again);
                return self.arrive(scope, &packet, hold);
            }
            Action::Take(packet, read_at, comes_again) => {
                let packet = self.take(*packet, *comes_again);
                let place = self.place_of(packet.to).expect("it was enabled");
                let wake = Action::Wake(place, Wake::Message(packet), *read_at);
                return self.apply(scope, &wake, hold);
            }
            Action::Cross(place, _)
            | Action::Wake(place, ..)
            | Action::GoOn(place)
            | Action::Kill(place)
            | Action::Start(place)
            | Action::Lose(place) => *place,
        };
        let before = watch::Words::of(self.machine(place));
        let mut outcome = Outcome::default();
        let (budget, machine) = (&mut self.budget, Arc::make_mut(&mut self.machines[place]));
        match action {
            Action::Cross(_, cpu) => {
                let answer = machine.processors.go_on(&mut machine.kernel, *cpu, hold);
                outcome.answer = machine.answered(answer);
                outcome.replied_twice = machine.processors.has_replied_twice;
            }
            Action::Wake(_, wake, read_at) => {
                match wake {
                    Wake::Order(Order::Switchover(_)) => spend(&mut budget.switchovers),
                    Wake::Order(Order::Restart) => spend(&mut budget.restarts),
                    Wake::Order(_) => spend(&mut budget.changes),
                    Wake::Retime(_) => spend(&mut budget.retimes),
                    _ => {}
                }
                machine.wake(wake.clone(), (*read_at, at), hold, &mut outcome);
            }
            Action::GoOn(_) => machine.go_on(at, hold, &mut outcome),
            Action::Kill(_) => {
                spend(&mut budget.kills);
                machine.daemon = None;
            }
            Action::Start(_) => {
                machine.start(scope, at, true);
                machine.go_on(at, hold, &mut outcome);
            }
            Action::Lose(_) => {
                spend(&mut budget.losses);
                machine.start(scope, at, false);
                machine.go_on(at, hold, &mut outcome);
            }
            Action::Tick | Action::Arrive(..) | Action::Take(..) => {}
        }
        self.note(scope, place, before, outcome, *hold)
    }

    fn arrive(&mut self, scope: &Scope, packet: &Packet, hold: &mut Hold) -> Result<(), Violation> {
        let (Some(place), Body::Frame(frame)) = (self.place_of(packet.to), &packet.body) else {
            return Ok(());
        };
        let at = self.at;
        let before = watch::Words::of(self.machine(place));
        let machine = Arc::make_mut(&mut self.machines[place]);
        let now_ns = machine.now(at).0;
        let (kernel, way) = (&mut machine.kernel, (packet.from, packet.network));
        let answer = machine.processors.receive(kernel, frame, way, now_ns, hold);
        let answer = machine.answered(answer);
        if let Some(answer) = &answer {
            watch::answers_a_question(frame, answer)?;
        }
        let mut outcome = Outcome::default();
        if packet.is_of(Kind::Probe) {
            outcome.answer = answer;
            outcome.replied_twice = self.machine(place).processors.has_replied_twice;
        } else {
            outcome.packets.extend(answer);
        }
        self.note(scope, place, before, outcome, *hold)
    }

    /// Carries what was sent, notes what began and ended, and looks whether all is well.
    fn note(
        &mut self,
        scope: &Scope,
        place: usize,
        before: watch::Words,
        outcome: Outcome,
        hold: Hold,
    ) -> Result<(), Violation> {
        if hold.has_stopped() {
            spend(&mut self.budget.pauses);
        }
        watch::went_back(before, self.machine(place))?;
        self.seen.renewals += u64::from(outcome.renewals);
        self.seen.votes += u64::from(outcome.votes);
        self.seen.masterships += outcome.begun.len() as u64;
        if outcome.replied_twice {
            return Err(Violation::RepliedTwice(self.machine(place).slot));
        }
        if let Some(epoch) = outcome.revived {
            return Err(Violation::Revived(epoch));
        }
        for epoch in outcome.begun {
            if self.begun.contains(&epoch) {
                return Err(Violation::EpochTwice(epoch));
            }
            self.begun.push(epoch);
        }
        for ended in outcome.ended {
            let is_overtaken =
                watch::ended(&self.begun, self.machine(place), self.at, before, ended)?;
            self.seen.overtaken += u64::from(is_overtaken);
        }
        if let Some(answer) = &outcome.answer {
            self.seen.refusals += u64::from(answer.is_of(Kind::Refusal));
        }
        for packet in outcome.answer.into_iter().chain(outcome.packets) {
            if scope.is_whole || packet.bears_on_a_lease() {
                self.soup.add(packet);
            }
        }
        if self.is_searched {
            self.forget();
        }
        watch::look(self.machines(), &self.begun, self.at)
    }

    fn take(&mut self, packet: usize, comes_again: bool) -> Arc<Packet> {
        let taken = Arc::clone(self.soup.get(packet));
        if comes_again {
            spend(&mut self.budget.copies);
        } else {
            self.soup.remove(packet);
        }
        taken
    }
}
