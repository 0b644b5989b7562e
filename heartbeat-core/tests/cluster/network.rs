//! The network: it carries, and it loses, doubles and delays.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_wire::frame::Frame;

use super::kernel::address_of;
use super::machine::{Datagram, Out};
use super::world::{Arrival, World};

impl World {
    pub(crate) fn post(&mut self, from: Slot) {
        let out = std::mem::take(&mut self.machine_mut(from).out);
        let incarnation = self.machine(from).kernel.config.incarnation;
        for out in out {
            match out {
                Out::Question(network, frame) => {
                    for to in self.slots().into_iter().filter(|to| *to != from) {
                        self.carry(from, to, network, frame);
                    }
                }
                Out::Datagram {
                    to,
                    network,
                    message,
                } => {
                    let datagram = Datagram {
                        from,
                        incarnation,
                        network,
                        message,
                    };
                    if !self.deaf_ports.contains(&(from, to)) {
                        self.travel(from, to, network, &Arrival::Datagram { to, datagram });
                    }
                }
            }
        }
    }

    pub(crate) fn carry(&mut self, from: Slot, to: Slot, network: Network, frame: Frame) {
        let is_lost = self.lost_kinds.iter().any(|kind| *kind as u8 == frame.kind);
        if is_lost || self.lost_kinds_on.contains(&(network, frame.kind)) {
            return;
        }
        let source = address_of(from, network);
        self.travel(from, to, network, &Arrival::Frame { to, frame, source });
    }

    pub(crate) fn travel(&mut self, from: Slot, to: Slot, network: Network, arrival: &Arrival) {
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
            self.schedule(self.at + delay, arrival.clone());
        }
    }

    /// Hands a frame to a machine's kernel after `delay`, past whatever the network does.
    pub(crate) fn inject(&mut self, to: Slot, frame: Frame, source: Slot, delay: u64) {
        let source = address_of(source, Network::Management);
        self.schedule(self.at + delay, Arrival::Frame { to, frame, source });
    }

    pub(crate) fn schedule(&mut self, at: u64, arrival: Arrival) {
        self.count += 1;
        self.arrivals.insert((at, self.count), arrival);
    }

    pub(crate) fn forget_act(&mut self, slot: Slot) {
        self.arrivals
            .retain(|_, arrival| arrival.acting() != Some(slot));
    }
}
