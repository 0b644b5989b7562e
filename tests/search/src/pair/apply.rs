//! What becomes of a pair by a step.

use std::sync::Arc;

use heartbeat_core::event::Order;
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_wire::frame::Kind;

use super::{Action, Pair, PairScope};
use crate::hold::Hold;
use crate::machine::{Machine, Outcome, Wake};
use crate::packet::Packet;
use crate::scope::spend;
use crate::watch::{self, Violation};

impl Pair {
    /// Takes a step as far as `hold` lets it.
    pub(super) fn step(
        &mut self,
        scope: &PairScope,
        action: &Action,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let at = self.at;
        match *action {
            Action::Tick(first, is_slow) => {
                if is_slow {
                    spend(&mut self.changes.slow);
                }
                self.live(scope, first, is_slow, hold)?;
            }
            Action::Around(change) => {
                spend(&mut self.changes.around);
                self.ground.change(change);
            }
            Action::GoOn(place) => {
                self.act(scope, place, hold, |machine, hold, outcome| {
                    machine.go_on(at, hold, outcome);
                })?;
            }
            Action::Cross(place, cpu) => {
                self.act(scope, place, hold, |machine, hold, outcome| {
                    let answer = machine.processors.go_on(&mut machine.kernel, cpu, hold);
                    outcome.answer = machine.answered(answer);
                    outcome.replied_twice = machine.processors.has_replied_twice;
                })?;
            }
            Action::Kill(place) => {
                spend(&mut self.budget.kills);
                Arc::make_mut(&mut self.seats[place].machine).daemon = None;
            }
            Action::SwitchOff(place) => {
                spend(&mut self.budget.losses);
                self.switch_off(scope, place);
            }
            Action::Start(place) => {
                let maps_kept = !std::mem::take(&mut self.seats[place].is_off);
                self.seats[place].asked = None;
                self.act(scope, place, hold, |machine, hold, outcome| {
                    machine.start(&scope.cluster, at, maps_kept);
                    machine.go_on(at, hold, outcome);
                })?;
            }
            Action::HandOver(place) => {
                spend(&mut self.budget.switchovers);
                let wake = Wake::Order(Order::Switchover(None));
                self.wake(scope, place, wake, hold)?;
            }
            Action::Fenced(place, done) => {
                if done {
                    self.switch_off(scope, 1 - place);
                } else {
                    spend(&mut self.changes.failures);
                }
                let seat = &mut self.seats[place];
                seat.fenced = seat.fence.take().map(|id| (id, done));
            }
        }
        if hold.has_stopped() {
            spend(&mut self.budget.pauses);
        }
        Ok(())
    }

    fn switch_off(&mut self, scope: &PairScope, place: usize) {
        let seat = &mut self.seats[place];
        seat.is_off = true;
        seat.post.clear();
        seat.answered.clear();
        (seat.fence, seat.fenced) = (None, None);
        Arc::make_mut(&mut seat.machine).switch_off(&scope.cluster);
    }

    /// A daemon is woken.
    pub(super) fn wake(
        &mut self,
        scope: &PairScope,
        place: usize,
        wake: Wake,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        let at = self.at;
        self.act(scope, place, hold, |machine, hold, outcome| {
            machine.wake(wake, (at, at), hold, outcome);
        })
    }

    /// A machine does something, which nothing stops any more once something was stopped.
    pub(super) fn act(
        &mut self,
        scope: &PairScope,
        place: usize,
        hold: &mut Hold,
        act: impl FnOnce(&mut Machine, &mut Hold, &mut Outcome),
    ) -> Result<(), Violation> {
        let machine = Arc::make_mut(&mut self.seats[place].machine);
        let before = watch::Words::of(machine);
        let mut outcome = Outcome::default();
        if hold.has_stopped() {
            act(machine, &mut { Hold::NEVER }, &mut outcome);
        } else {
            act(machine, hold, &mut outcome);
        }
        self.note(scope, place, before, outcome)
    }

    /// Carries what was sent, notes what began and ended, and looks whether all is well.
    fn note(
        &mut self,
        scope: &PairScope,
        place: usize,
        before: watch::Words,
        outcome: Outcome,
    ) -> Result<(), Violation> {
        let machine = &self.seats[place].machine;
        watch::went_back(before, machine)?;
        if outcome.replied_twice {
            return Err(Violation::RepliedTwice(machine.slot));
        }
        if let Some(epoch) = outcome.revived {
            return Err(Violation::Revived(epoch));
        }
        for epoch in &outcome.begun {
            if self.begun.contains(epoch) {
                return Err(Violation::EpochTwice(*epoch));
            }
            self.begun.push(*epoch);
        }
        for ended in &outcome.ended {
            let is_overtaken = watch::ended(&self.begun, machine, self.at, before, *ended)?;
            self.seen.overtaken += u64::from(is_overtaken);
        }
        self.see(&outcome);
        // A lease that was taken in the named case is that case's, though this word of it is heard.
        self.look(scope)?;
        self.carry(place, outcome);
        Ok(())
    }

    fn see(&mut self, outcome: &Outcome) {
        let count = |is: &dyn Fn(&(Role, Reason)) -> bool| {
            outcome.roles.iter().filter(|role| is(role)).count() as u64
        };
        let seen = &mut self.seen;
        seen.renewals += u64::from(outcome.renewals);
        seen.votes += u64::from(outcome.votes);
        seen.masterships += outcome.begun.len() as u64;
        seen.fences += outcome.fences.len() as u64;
        seen.battles += count(&|(role, _)| *role == Role::BattleMaster);
        seen.by_evidence +=
            count(&|(role, reason)| *role == Role::Master && matches!(reason, Reason::Evidence(_)));
        let is_refusal = |answer: &Packet| answer.is_of(Kind::Refusal);
        seen.refusals += u64::from(outcome.answer.as_ref().is_some_and(is_refusal));
    }

    /// S1, S2 and what counts as probed; two leases are excepted in the named case, if there is one.
    pub(super) fn look(&mut self, scope: &PairScope) -> Result<(), Violation> {
        if self.is_excepted {
            return Ok(());
        }
        match watch::look(self.machines(), &self.begun, self.at) {
            Err(Violation::Leases(..) | Violation::Gates(..))
                if scope.has_exception() && self.ground.is_named_case() =>
            {
                self.seen.excepted += 1;
                self.is_excepted = true;
                Ok(())
            }
            looked => looked,
        }
    }
}
