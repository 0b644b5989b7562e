//! Everything that could be next in a state.

use std::sync::Arc;

use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Role;
use heartbeat_wire::frame::Kind;

use super::World;
use crate::machine::{Machine, Wake};
use crate::packet::{Body, Packet};
use crate::scope::{ANY, Scope};

/// One step. Numbers are places: of a packet, of a machine, of a processor.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// True time goes on by one tick.
    Tick,
    /// A frame reaches a kernel, and this one packet is gone by that, or comes again.
    Arrive(usize, bool),
    /// A control message reaches a daemon that read its clock at this tick; likewise.
    Take(usize, u32, bool),
    /// A frame that was held up in a kernel goes on.
    Cross(usize, usize),
    /// A daemon wakes, having read its clock at this tick.
    Wake(usize, Wake, u32),
    /// A daemon that was stopped goes on.
    GoOn(usize),
    /// A daemon is killed; its kernel goes on.
    Kill(usize),
    /// A daemon starts with the maps of its last run.
    Start(usize),
    /// A machine loses its maps, and its daemon starts anew.
    Lose(usize),
}

impl World {
    /// Everything that could be next.
    pub(crate) fn actions(&self, scope: &Scope, into: &mut Vec<Action>) {
        into.clear();
        for (place, packet) in self.soup.iter().enumerate() {
            self.deliveries(place, packet, into);
        }
        for place in 0..self.machines.len() {
            self.steps(scope, place, into);
            self.faults(scope, place, into);
        }
        let may_pass = self.budget.lates > 0 || !self.is_anybody_due(scope);
        if may_pass && scope.horizon.is_none_or(|horizon| self.at < horizon) {
            into.push(Action::Tick);
        }
    }

    /// Whether a daemon that runs has something to do now.
    pub(super) fn is_anybody_due(&self, scope: &Scope) -> bool {
        let is_due = |own: &Machine| own.wakes(own.now(self.at), scope.is_whole).next().is_some();
        self.machines().any(is_due)
    }

    fn deliveries(&self, place: usize, packet: &Arc<Packet>, into: &mut Vec<Action>) {
        let Some(to) = self.place_of(packet.to) else {
            return;
        };
        let machine = self.machine(to);
        match &packet.body {
            Body::Frame(frame) => {
                let is_probe = frame.kind == Kind::Probe as u8;
                if !is_probe || machine.processors.has_free() {
                    into.extend(
                        self.copies()
                            .map(|comes_again| Action::Arrive(place, comes_again)),
                    );
                }
            }
            Body::Message { .. } if machine.listens() => {
                for read_at in self.readings(machine) {
                    into.extend(
                        self.copies()
                            .map(|comes_again| Action::Take(place, read_at, comes_again)),
                    );
                }
            }
            Body::Message { .. } => {}
        }
    }

    fn steps(&self, scope: &Scope, place: usize, into: &mut Vec<Action>) {
        let machine = self.machine(place);
        for cpu in machine.processors.busy() {
            into.push(Action::Cross(place, cpu));
        }
        if machine.is_held() {
            into.push(Action::GoOn(place));
        }
        if !machine.is_idle() {
            return;
        }
        for read_at in self.readings(machine) {
            for wake in machine.wakes(machine.now(read_at), scope.is_whole) {
                into.push(Action::Wake(place, wake, read_at));
            }
        }
        for order in self.orders(scope, machine) {
            into.push(Action::Wake(place, Wake::Order(order), self.at));
        }
        if self.budget.retimes > 0 && machine.listens() {
            let retimed = machine.retimed(scope);
            into.extend(retimed.map(|wake| Action::Wake(place, wake, self.at)));
        }
    }

    /// The earliest tick at which it may have done so.
    pub(super) fn earliest(&self, machine: &Machine) -> u32 {
        machine.idle_since().max(self.at.saturating_sub(self.stale))
    }

    /// When a daemon that acts now may have read its clock, the latest first.
    fn readings(&self, machine: &Machine) -> impl Iterator<Item = u32> + use<> {
        (self.earliest(machine)..=self.at).rev()
    }

    fn orders(&self, scope: &Scope, machine: &Machine) -> impl Iterator<Item = Order> + use<> {
        let budget = &self.budget;
        let is_any = budget.switchovers > 0 || budget.restarts > 0 || budget.changes > 0;
        let is_master = is_any && machine.listens() && machine.role() == Some(Role::Master);
        let if_left = |left: u8, order| (is_master && left > 0).then_some(order);
        [
            if_left(budget.switchovers, Order::Switchover(None)),
            if_left(budget.restarts, Order::Restart),
            if_left(budget.changes, Order::Electors(scope.target_set())),
        ]
        .into_iter()
        .flatten()
    }

    fn faults(&self, scope: &Scope, place: usize, into: &mut Vec<Action>) {
        let runs = self.machine(place).daemon.is_some();
        if !runs {
            into.push(Action::Start(place));
        } else if self.budget.kills > 0 {
            into.push(Action::Kill(place));
        }
        if self.budget.losses > 0 && scope.budget.losses > 0 {
            into.push(Action::Lose(place));
        }
    }

    /// Whether a packet that arrives may be gone by that, and whether it may come again.
    fn copies(&self) -> impl Iterator<Item = bool> + use<> {
        let left = self.budget.copies;
        let gone = (left != ANY).then_some(false);
        gone.into_iter().chain((left > 0).then_some(true))
    }
}
