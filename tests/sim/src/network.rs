//! The network: it carries, and it loses, doubles and delays.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_kernel_twin::address_of;
use heartbeat_wire::frame::Frame;

use crate::arrive::Arrival;
use crate::machine::{Datagram, Out};
use crate::world::World;

impl World {
    pub(crate) fn post(&mut self, from: Slot) {
        let machine = self.machine_mut(from);
        if machine.out.is_empty() {
            return;
        }
        let mut out = std::mem::take(&mut machine.out);
        let incarnation = machine.kernel.config.incarnation;
        let electors = machine.record.in_force.slots;
        for out in out.drain(..) {
            match out {
                Out::Question(network, frame) => {
                    let roll = self.slots();
                    let others = roll.iter().filter(|to| **to != from);
                    match network {
                        Network::Management => {
                            self.machine_mut(from).frames_sent += 1;
                            others.for_each(|to| self.carry(from, *to, network, &frame));
                        }
                        Network::Business => {
                            for to in others.filter(|to| electors.contains(**to)) {
                                self.machine_mut(from).frames_sent += 1;
                                self.carry(from, *to, network, &frame);
                            }
                        }
                    }
                }
                Out::Reference { id } => self.ask_references(from, id),
                Out::Fence { id, target } => self.fence(from, id, target),
                Out::Datagram {
                    to,
                    network,
                    message,
                } => {
                    self.machine_mut(from).frames_sent += 1;
                    let datagram = Datagram {
                        from,
                        incarnation,
                        network,
                        message,
                    };
                    if !self.deaf_ports.contains(&(from, to)) {
                        self.travel(from, to, network, || Arrival::Datagram {
                            to,
                            datagram: datagram.clone(),
                        });
                    }
                }
            }
        }
        self.machine_mut(from).out = out;
    }

    pub(crate) fn carry(&mut self, from: Slot, to: Slot, network: Network, frame: &Frame) {
        let is_lost = self.lost_kinds.iter().any(|kind| *kind as u8 == frame.kind);
        if is_lost || self.lost_kinds_on.contains(&(network, frame.kind)) {
            return;
        }
        let source = address_of(from, network);
        self.travel(from, to, network, || Arrival::Frame {
            to,
            frame: *frame,
            source,
        });
    }

    fn travel(&mut self, from: Slot, to: Slot, network: Network, arrival: impl Fn() -> Arrival) {
        if !self.machines.contains_key(&to) || self.cut.contains(&(from, to, network)) {
            return;
        }
        let copies = 1 + u64::from(self.below(1_000) < self.weather.doubled);
        for _ in 0..copies {
            if self.below(1_000) < self.weather.loss {
                continue;
            }
            let (shortest, longest) = self.weather.delay;
            let lag = self.lag.get(&network).copied().unwrap_or(0);
            let delay = lag + shortest + self.below(longest - shortest);
            self.schedule(self.at + delay, arrival());
        }
    }

    /// Hands a frame to a machine's kernel after `delay`, past whatever the network does.
    pub fn inject(&mut self, to: Slot, frame: Frame, source: Slot, delay: u64) {
        let source = address_of(source, Network::Management);
        self.schedule(self.at + delay, Arrival::Frame { to, frame, source });
    }
}
