//! What befalls machines and links, and what operators order.

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::message::Network;

use crate::arrive::Arrival;
use crate::clock::Pause;
use crate::machine::Maps;
use crate::world::{CALM, World};

impl World {
    /// Starts every daemon with new maps.
    pub fn start_all(&mut self) {
        for slot in self.slots().iter() {
            self.start(*slot, Maps::Lost);
        }
    }

    /// Starts the daemon in `slot` anew, and the machine if it is off.
    pub fn start(&mut self, slot: Slot, maps: Maps) {
        let maps = match maps {
            Maps::Lost if self.pretends_to_remember => Maps::LostUnnoticed,
            Maps::Kept | Maps::Lost | Maps::LostUnnoticed => maps,
        };
        if self.is_paused(slot) {
            return;
        }
        self.kill(slot);
        self.befall(|| format!("slot {slot} starts ({maps:?})"));
        let at = self.at;
        let machine = self.machine_mut(slot);
        machine.is_on = true;
        machine.start(maps, at);
        self.go_on(slot);
    }

    /// SIGKILL of the daemon. Nothing of the kind reaches a machine that stands still.
    pub fn kill(&mut self, slot: Slot) {
        if self.is_paused(slot) {
            return;
        }
        self.befall(|| format!("slot {slot}: daemon killed"));
        self.machine_mut(slot).kill();
    }

    /// The machine loses its power: kernel and daemon are gone.
    pub fn power_off(&mut self, slot: Slot) {
        self.befall(|| format!("slot {slot}: power off"));
        let machine = self.machine_mut(slot);
        machine.kill();
        (machine.is_on, machine.paused_until, machine.deaf_until) = (false, 0, 0);
        machine.excused_until = 0;
    }

    /// SIGSTOP until `until`.
    pub fn freeze(&mut self, slot: Slot, until: u64) {
        if self.is_paused(slot) {
            return;
        }
        self.befall(|| format!("slot {slot}: daemon stopped until {} us", until / 1_000));
        self.machine_mut(slot).frozen_until = until;
    }

    /// The kernel takes nothing in until `until`, while the daemon runs.
    pub fn deafen(&mut self, slot: Slot, until: u64) {
        if self.is_paused(slot) {
            return;
        }
        self.befall(|| format!("slot {slot}: kernel held up until {} us", until / 1_000));
        self.machine_mut(slot).deaf_until = until;
    }

    /// The whole machine stands still for `span`, unless it does already or is off.
    pub fn pause(&mut self, slot: Slot, pause: Pause, span: u64) {
        let (from, until) = (self.at, self.at + span);
        let machine = self.machine(slot);
        if !machine.is_on || machine.deaf_until > from {
            return;
        }
        self.befall(|| {
            format!(
                "slot {slot}: machine paused until {} us ({pause:?})",
                until / 1_000
            )
        });
        self.schedule(until, Arrival::Resume { slot, pause, from });
        let machine = self.machine_mut(slot);
        (
            machine.frozen_until,
            machine.deaf_until,
            machine.paused_until,
        ) = (until, until, until);
    }

    /// Whether the whole machine stands still.
    #[must_use]
    pub fn is_paused(&self, slot: Slot) -> bool {
        self.machine(slot).paused_until > self.at
    }

    /// A time daemon slews the clock of `slot` to another rate, unless the machine stands still.
    pub fn slew(&mut self, slot: Slot, rate: u64) {
        if self.is_paused(slot) {
            return;
        }
        self.befall(|| format!("slot {slot}: clock runs at {rate} ppm"));
        let at = self.at;
        self.machine_mut(slot).clock.slew(rate, at);
    }

    /// Cuts or mends the link from `from` to `to` in that direction.
    pub fn link(&mut self, from: Slot, to: Slot, network: Network, is_up: bool) {
        let changed = if is_up {
            self.cut.remove(&(from, to, network))
        } else {
            self.cut.insert((from, to, network))
        };
        if changed {
            let word = if is_up { "mended" } else { "cut" };
            self.befall(|| format!("{from} -> {to} {word} ({network})"));
        }
    }

    /// Cuts or mends the links from `from` to `to` in that direction on both networks.
    pub fn links(&mut self, from: Slot, to: Slot, is_up: bool) {
        for network in [Network::Management, Network::Business] {
            self.link(from, to, network, is_up);
        }
    }

    /// Cuts `slot` off both networks, or brings it back.
    pub fn isolate(&mut self, slot: Slot, is_cut: bool) {
        for network in [Network::Management, Network::Business] {
            self.isolate_on(slot, network, is_cut);
        }
    }

    /// Cuts `slot` off one network, or brings it back.
    pub fn isolate_on(&mut self, slot: Slot, network: Network, is_cut: bool) {
        for other in self.slots().iter().filter(|other| **other != slot) {
            self.link(slot, *other, network, !is_cut);
            self.link(*other, slot, network, !is_cut);
        }
    }

    /// The switch of one network stops, or works again.
    pub fn switch(&mut self, network: Network, is_on: bool) {
        for slot in self.slots().iter() {
            self.isolate_on(*slot, network, !is_on);
        }
    }

    /// The network is whole and quiet.
    pub fn heal(&mut self) {
        self.befall(|| "the network is whole".into());
        self.cut.clear();
        self.deaf_ports.clear();
        self.lost_kinds.clear();
        self.lost_kinds_on.clear();
        self.lag.clear();
        self.lost_references.clear();
        self.weather = CALM;
    }

    /// Starts each daemon that has exited for the next one, as a service manager does.
    pub fn start_the_next(&mut self) {
        for slot in self.slots().iter() {
            if self.machine(*slot).has_exited {
                self.start(*slot, Maps::Kept);
            }
        }
    }

    /// An operator or a signal asks the daemon in `slot`.
    pub fn order(&mut self, slot: Slot, order: Order) {
        self.befall(|| format!("slot {slot}: order {order}"));
        let machine = self.machine_mut(slot);
        // Nobody is there to take it.
        if machine.node.is_some() {
            machine.orders.push(order);
        }
    }

    pub(crate) fn befall(&mut self, what: impl FnOnce() -> String) {
        self.trace.line(self.at, what);
    }
}
