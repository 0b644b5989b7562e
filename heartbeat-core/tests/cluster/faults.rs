//! What befalls machines and links, and what operators order.

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::message::Network;

use super::machine::Maps;
use super::world::{CALM, World};

impl World {
    pub(crate) fn start(&mut self, slot: Slot, maps: Maps) {
        let at = self.at;
        self.kill(slot);
        let machine = self.machine_mut(slot);
        machine.is_on = true;
        machine.start(maps, at);
        self.go_on(slot);
    }

    /// SIGKILL of the daemon.
    pub(crate) fn kill(&mut self, slot: Slot) {
        self.machine_mut(slot).kill();
        self.acting.remove(&slot);
        self.forget_act(slot);
    }

    /// The machine loses its power: kernel and daemon are gone.
    pub(crate) fn power_off(&mut self, slot: Slot) {
        self.kill(slot);
        self.machine_mut(slot).is_on = false;
    }

    /// SIGSTOP until `until`.
    pub(crate) fn freeze(&mut self, slot: Slot, until: u64) {
        self.machine_mut(slot).frozen_until = until;
        // A daemon that read the clock before it was stopped acts on that reading afterwards.
        let pending = self
            .arrivals
            .iter()
            .find(|(_, arrival)| arrival.acting() == Some(slot))
            .map(|(key, _)| *key);
        if let Some(key) = pending
            && let Some(arrival) = self.arrivals.remove(&key)
        {
            self.schedule(until.max(key.0), arrival);
        }
    }

    /// Cuts or mends the link from `from` to `to` in that direction.
    pub(crate) fn link(&mut self, from: Slot, to: Slot, network: Network, is_up: bool) {
        if is_up {
            self.cut.remove(&(from, to, network));
        } else {
            self.cut.insert((from, to, network));
        }
    }

    /// Cuts or mends the links from `from` to `to` in that direction on both networks.
    pub(crate) fn links(&mut self, from: Slot, to: Slot, is_up: bool) {
        for network in [Network::Management, Network::Business] {
            self.link(from, to, network, is_up);
        }
    }

    /// Cuts `slot` off both networks, or brings it back.
    pub(crate) fn isolate(&mut self, slot: Slot, is_cut: bool) {
        for network in [Network::Management, Network::Business] {
            self.isolate_on(slot, network, is_cut);
        }
    }

    /// Cuts `slot` off one network, or brings it back.
    pub(crate) fn isolate_on(&mut self, slot: Slot, network: Network, is_cut: bool) {
        for other in self.slots() {
            self.link(slot, other, network, !is_cut);
            self.link(other, slot, network, !is_cut);
        }
    }

    /// The switch of one network stops, or works again.
    pub(crate) fn switch(&mut self, network: Network, is_on: bool) {
        for slot in self.slots() {
            self.isolate_on(slot, network, !is_on);
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        self.deaf_ports.clear();
        self.lost_kinds.clear();
        self.lost_kinds_on.clear();
        self.lag.clear();
        self.weather = CALM;
    }

    /// Starts each daemon that has exited for the next one, as a service manager does.
    pub(crate) fn start_the_next(&mut self) {
        for slot in self.slots() {
            if self.machine(slot).has_exited {
                self.start(slot, Maps::Kept);
            }
        }
    }

    pub(crate) fn order(&mut self, slot: Slot, order: Order) {
        let machine = self.machine_mut(slot);
        // Nobody is there to take it.
        if machine.node.is_some() {
            machine.orders.push(order);
        }
    }
}
