//! What could be next for a pair.

use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Role;

use super::ground::Change;
use super::{Pair, PairScope};
use crate::explore::State;
use crate::hold::Hold;
use crate::seen::Seen;
use crate::watch::Violation;

/// One step. Numbers are places: of a node, of a processor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// Both do all that is to be done in this tick, this one first; whether what is sent arrives in the next one only.
    Tick(usize, bool),
    /// Something changes around them.
    Around(Change),
    /// A daemon that was stopped goes on.
    GoOn(usize),
    /// A frame that was held up in a kernel goes on.
    Cross(usize, usize),
    /// A daemon is killed; its kernel goes on.
    Kill(usize),
    /// A machine loses its power.
    SwitchOff(usize),
    /// A daemon starts, without its maps if its machine was off.
    Start(usize),
    /// Mastership is to be handed over.
    HandOver(usize),
    /// The fence command ends, as told.
    Fenced(usize, bool),
}

impl State for Pair {
    type Scope = PairScope;
    type Action = Action;

    fn first(scope: &PairScope) -> Self {
        Self::new(scope)
    }

    fn fingerprint(&self, scope: &PairScope) -> u64 {
        self.hashed(&scope.cluster)
    }

    fn actions(&self, _: &PairScope, into: &mut Vec<Action>) {
        into.clear();
        if self.changes.around > 0 {
            into.extend(Change::ALL.map(Action::Around));
        }
        for place in 0..2 {
            self.steps(place, into);
        }
        for first in 0..2 {
            into.push(Action::Tick(first, false));
            if self.changes.slow > 0 {
                into.push(Action::Tick(first, true));
            }
        }
    }

    fn may_stop(&self) -> bool {
        self.budget.pauses > 0
    }

    fn apply(
        &mut self,
        scope: &PairScope,
        action: &Action,
        hold: &mut Hold,
    ) -> Result<(), Violation> {
        self.step(scope, action, hold)
    }

    fn tell(&self, action: &Action) -> String {
        let slot = |place: &usize| self.seats[*place].machine.slot;
        let text = match action {
            Action::Tick(first, is_slow) => {
                let slow = if *is_slow {
                    ", and the network is slow"
                } else {
                    ""
                };
                format!("both go on, slot {} first{slow}", slot(first))
            }
            Action::Around(Change::Network(Network::Management)) => {
                "the management network".to_owned()
            }
            Action::Around(Change::Network(Network::Business)) => "the business network".to_owned(),
            Action::Around(Change::Both) => "both networks".to_owned(),
            Action::Around(Change::OneWay(place)) => format!("what slot {} sends", slot(place)),
            Action::Around(Change::Reference(place)) => format!("slot {}'s reference", slot(place)),
            Action::GoOn(place) => format!("slot {}'s daemon goes on", slot(place)),
            Action::Cross(place, cpu) => format!("slot {}'s CPU {cpu} goes on", slot(place)),
            Action::Kill(place) => format!("slot {}'s daemon is killed", slot(place)),
            Action::SwitchOff(place) => format!("slot {} is switched off", slot(place)),
            Action::Start(place) => format!("slot {}'s daemon starts", slot(place)),
            Action::HandOver(place) => format!("slot {} is to hand over", slot(place)),
            Action::Fenced(place, done) => {
                format!("slot {}'s fence command ends, {done}", slot(place))
            }
        };
        let roles = self.seats.each_ref().map(|seat| seat.machine.role());
        format!("tick {}: {text}; {roles:?}", self.at)
    }

    fn is_beyond(&self, scope: &PairScope) -> bool {
        let passed = self.at - self.began_at;
        self.is_excepted
            || scope
                .cluster
                .horizon
                .is_some_and(|horizon| passed >= horizon)
    }

    fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }
}

impl Pair {
    fn steps(&self, place: usize, into: &mut Vec<Action>) {
        let seat = &self.seats[place];
        let machine = &seat.machine;
        for cpu in machine.processors.busy() {
            into.push(Action::Cross(place, cpu));
        }
        if machine.is_held() {
            into.push(Action::GoOn(place));
        }
        if seat.fence.is_some() {
            into.push(Action::Fenced(place, true));
            if self.changes.failures > 0 {
                into.push(Action::Fenced(place, false));
            }
        }
        if machine.daemon.is_none() {
            into.push(Action::Start(place));
        } else if self.budget.kills > 0 {
            into.push(Action::Kill(place));
        }
        if self.budget.losses > 0 && !seat.is_off {
            into.push(Action::SwitchOff(place));
        }
        let is_master = machine.listens() && machine.role() == Some(Role::Master);
        if self.budget.switchovers > 0 && is_master {
            into.push(Action::HandOver(place));
        }
    }
}
