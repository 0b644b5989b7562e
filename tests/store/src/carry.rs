//! What comes out of a store: messages, writes to its disk, and what people are told.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_store::{Event, Message, Outcome, Output, WriteId};

use crate::digest;
use crate::world::{Envelope, World};

impl World {
    /// Does what a store wants done.
    pub(crate) fn carry_out(&mut self, slot: Slot, output: Output) {
        match output {
            Output::Send { to, message } => self.send(slot, to, message),
            Output::Disk { id, write } => {
                let before = self.node(slot).pending.replace((id, write));
                assert!(before.is_none(), "one write at a time is on its way");
            }
            Output::Outcome { id, outcome } => self.tell_client(slot, id, &outcome),
            Output::Event(event) => self.note(&event),
        }
    }

    fn send(&mut self, from: Slot, to: Slot, message: Message) {
        let digest = digest::of(&(from, to, &message));
        if self.net.iter().all(|other| other.digest != digest) {
            self.net.push(Arc::new(Envelope {
                from,
                to,
                message,
                digest,
            }));
        }
    }

    fn tell_client(&mut self, slot: Slot, id: WriteId, outcome: &Outcome) {
        let node = self.node(slot);
        let reign = node.reign;
        let key = node.asked.remove(&id);
        match outcome {
            Outcome::Done { revision, copies } => {
                self.seen.acknowledged += 1;
                let key = key.expect("it was asked for once");
                self.oracle.acknowledge(key, *revision, reign, *copies);
            }
            Outcome::Unknown => self.seen.unknown += 1,
            Outcome::Conflict { .. } => panic!("each key is written once"),
            Outcome::Refused(_) => self.seen.refused += 1,
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Serves { .. } => self.seen.serves += 1,
            Event::Outranked { .. } => self.seen.outranked += 1,
            Event::GaveWay { .. } => self.seen.gave_way += 1,
            Event::Replaced { .. } => self.seen.replaced += 1,
            Event::SetBack { .. } => self.seen.set_back += 1,
        }
    }
}
