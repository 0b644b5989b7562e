//! What lies outside the cluster: references on the business network, and the means that stop a machine.

use heartbeat_core::Slot;
use heartbeat_core::service::Services;

use crate::arrive::Arrival;
use crate::machine::Outside;
use crate::setting::MS;
use crate::world::World;

/// How long a fence command takes: a power switch answers after about a second.
const FENCE_TIME: u64 = 800 * MS;

impl World {
    /// Each reference that `from` reaches answers, after the time that two ways take.
    pub(crate) fn ask_references(&mut self, from: Slot, id: u64) {
        let daemon = self.machine(from).daemons;
        for reference in 0..self.references {
            if self.lost_references.contains(&(from, reference)) {
                continue;
            }
            let (shortest, longest) = self.weather.delay;
            let way = 2 * (shortest + self.below(longest - shortest));
            if self.below(1_000) < self.weather.loss {
                continue;
            }
            let outside = Outside::Reference { id, reference };
            self.schedule(
                self.at + way,
                Arrival::Outside {
                    to: from,
                    daemon,
                    outside,
                },
            );
        }
    }

    /// The services on `slot` are like this from now on, and its daemon is told.
    pub fn serve(&mut self, slot: Slot, services: Services) {
        let state = services.state;
        self.befall(|| format!("slot {slot}: services {state:?}"));
        let machine = self.machine_mut(slot);
        machine.services = Some(services);
        let (daemon, outside) = (machine.daemons, Outside::Services(services));
        if machine.node.is_some() {
            let to = slot;
            self.schedule(
                self.at,
                Arrival::Outside {
                    to,
                    daemon,
                    outside,
                },
            );
        }
    }

    /// The fence command: it stops the target, or fails.
    pub(crate) fn fence(&mut self, from: Slot, id: u64, target: Slot) {
        self.fences += 1;
        let daemon = self.machine(from).daemons;
        let done = !self.fence_fails;
        if done {
            let stop = self.at + FENCE_TIME - MS;
            self.schedule(stop, Arrival::Stopped { slot: target });
        }
        let outside = Outside::Fenced { id, done };
        self.schedule(
            self.at + FENCE_TIME,
            Arrival::Outside {
                to: from,
                daemon,
                outside,
            },
        );
    }

    /// `slot` loses every reference, or has them back.
    pub fn lose_reference(&mut self, slot: Slot, is_lost: bool) {
        let word = if is_lost { "lost" } else { "back" };
        self.trace
            .line(self.at, || format!("slot {slot}: reference {word}"));
        for reference in 0..self.references {
            if is_lost {
                self.lost_references.insert((slot, reference));
            } else {
                self.lost_references.remove(&(slot, reference));
            }
        }
    }

    /// The two of a pair hear each other on neither network, or do again.
    pub fn part(&mut self, is_parted: bool) {
        for slot in self.slots().iter() {
            self.isolate(*slot, is_parted);
        }
    }

    /// A machine is cut off from everything: its peer and the reference.
    pub fn cut_off(&mut self, slot: Slot, is_cut: bool) {
        self.isolate(slot, is_cut);
        self.lose_reference(slot, is_cut);
    }
}
