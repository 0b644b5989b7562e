//! What could happen next, and what comes of it.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_store::Trouble;

use super::Scope;
use super::state::{State, told};
use crate::oracle::Violation;
use crate::world::{Envelope, Node};

/// Something that could happen next.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// A message arrives. An order stays on the way, and may arrive again: only a disk that lost it makes it new.
    Deliver(Arc<Envelope>),
    /// A disk has done what it was asked for.
    Written(Slot),
    /// A disk has not.
    Fails(Slot),
    /// A leadership begins, by its place in the scope.
    Lead(usize),
    /// A client writes.
    Write(Slot),
    /// A node loses its power, and starts again.
    Restart(Slot),
    /// The same, with another disk.
    Wipe(Slot),
}

impl State {
    /// Everything that could happen next.
    pub(super) fn moves(&self) -> Vec<Move> {
        // A store that waits for its disk would only have an order wait: it may as well arrive later.
        let is_heard = |envelope: &&Arc<Envelope>| {
            !envelope.is_order() || self.world.nodes[&envelope.to].pending.is_none()
        };
        let net = self.world.net.iter().filter(is_heard).cloned();
        let mut moves: Vec<Move> = net.map(Move::Deliver).collect();
        moves.extend(self.left.leaders.iter().map(|place| Move::Lead(*place)));
        for (slot, node) in &self.world.nodes {
            let slot = *slot;
            let can = [
                (node.pending.is_some(), Move::Written(slot)),
                (
                    node.pending.is_some() && self.left.failures > 0,
                    Move::Fails(slot),
                ),
                (
                    self.left.writes > 0 && self.world.served(slot).is_some(),
                    Move::Write(slot),
                ),
                (self.left.crashes > 0, Move::Restart(slot)),
                (self.left.wipes > 0, Move::Wipe(slot)),
            ];
            moves.extend(can.into_iter().filter(|(can, _)| *can).map(|(_, can)| can));
        }
        moves
    }

    pub(super) fn make(&mut self, scope: &Scope, what: &Move) -> Result<(), Violation> {
        let world = &mut self.world;
        match what {
            // A store that waits for its disk hears nothing new by waiting: the same message may arrive later.
            Move::Deliver(envelope)
                if world.node(envelope.to).pending.is_some() && envelope.is_order() => {}
            Move::Deliver(envelope) => world.deliver(envelope)?,
            Move::Written(slot) => world.written(*slot)?,
            Move::Fails(slot) => {
                self.left.failures -= 1;
                world.fails(*slot, Trouble::Full)?;
            }
            Move::Lead(place) => {
                self.left.leaders.retain(|left| left != place);
                let (slot, epoch) = scope.leaders[*place];
                world.lead(slot, epoch)?;
            }
            Move::Write(slot) => {
                self.left.writes -= 1;
                world.write(*slot)?;
            }
            Move::Restart(slot) => {
                self.left.crashes -= 1;
                world.crash(*slot);
                world.start(*slot);
            }
            Move::Wipe(slot) => {
                self.left.wipes -= 1;
                world.wipe(*slot);
            }
        }
        if !scope.has_faulty_disks() {
            self.write_at_once()?;
        }
        Ok(())
    }

    /// Where no disk fails and no power is lost, a slow disk is no other than a late order.
    fn write_at_once(&mut self) -> Result<(), Violation> {
        let is_busy = |(slot, node): (&Slot, &Arc<Node>)| node.pending.is_some().then_some(*slot);
        while let Some(slot) = self.world.nodes.iter().find_map(is_busy) {
            self.world.written(slot)?;
        }
        Ok(())
    }
}

impl Move {
    /// In words.
    pub(super) fn tell(&self, scope: &Scope) -> String {
        match self {
            Self::Deliver(envelope) => told(envelope),
            Self::Written(slot) => format!("{slot}'s disk has written"),
            Self::Fails(slot) => format!("{slot}'s disk is full"),
            Self::Lead(place) => {
                let (slot, epoch) = scope.leaders[*place];
                format!("{slot} leads {}", epoch.round())
            }
            Self::Write(slot) => format!("a client writes at {slot}"),
            Self::Restart(slot) => format!("{slot} loses its power and starts again"),
            Self::Wipe(slot) => format!("{slot} starts again with another disk"),
        }
    }
}
