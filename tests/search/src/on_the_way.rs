//! What of one machine's questions, and what of others' probes to it, can still arrive.

use heartbeat_core::Slot;
use heartbeat_wire::frame::Kind;

use crate::packet::{Body, Soup};

/// As seen from one machine.
#[derive(Debug, Default)]
pub(crate) struct OnTheWay {
    /// Numbers of its own questions that are asked or answered by something, ascending.
    own: Vec<u64>,
    /// Epochs and numbers of probes to it.
    probes: Vec<(u64, u64)>,
}

impl OnTheWay {
    /// `in_kernels`: numbers of its probes that other kernels are at.
    pub(crate) fn of(slot: Slot, soup: &Soup, in_kernels: impl Iterator<Item = u64>) -> Self {
        let mut way = Self {
            own: in_kernels.collect(),
            probes: Vec::new(),
        };
        for packet in soup.iter() {
            let Body::Frame(frame) = &packet.body else {
                continue;
            };
            let is_probe = frame.kind == Kind::Probe as u8;
            let is_question = is_probe || frame.kind == Kind::Query as u8;
            let asker = if is_question { packet.from } else { packet.to };
            if asker == slot {
                way.own.push(frame.sequence);
            } else if is_probe {
                way.probes.push((frame.epoch, frame.sequence));
            }
        }
        way.own.sort_unstable();
        way.own.dedup();
        way
    }

    /// Whether its question of this number is asked or answered.
    pub(crate) fn has_own(&self, number: u64) -> bool {
        self.own.binary_search(&number).is_ok()
    }

    /// Whether this probe is on its way to it.
    pub(crate) fn has_probe(&self, probe: (u64, u64)) -> bool {
        self.probes.contains(&probe)
    }

    /// Numbers of its own questions that can still be met: `told` are those that its daemon was told of.
    pub(crate) fn numbers(mut self, told: impl Iterator<Item = u64>) -> Vec<u64> {
        self.own.extend(told);
        self.own.sort_unstable();
        self.own.dedup();
        self.own
    }
}
