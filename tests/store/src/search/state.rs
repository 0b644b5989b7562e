//! A state of a search: the world, and what may still happen in it.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_store::Message;
use heartbeat_store::message::Ask;

use super::Scope;
use crate::digest;
use crate::world::{Envelope, World};

/// The world, and what may still happen in it.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) left: Left,
    /// Fingerprints of the nodes.
    digests: Vec<u64>,
}

/// What may still happen.
#[derive(Clone, Debug, Hash)]
pub(super) struct Left {
    /// Leaderships that have not begun, by their place in the scope.
    pub(super) leaders: Vec<usize>,
    pub(super) writes: u8,
    pub(super) crashes: u8,
    pub(super) failures: u8,
    pub(super) wipes: u8,
}

impl State {
    pub(super) fn first(scope: &Scope) -> Self {
        let mut first = Self {
            digests: Vec::new(),
            world: scope.start.clone(),
            left: Left {
                leaders: (0..scope.leaders.len()).collect(),
                writes: scope.writes,
                crashes: scope.crashes,
                failures: scope.failures,
                wipes: scope.wipes,
            },
        };
        first.look_at_nodes(None);
        first
    }

    /// Two states with one fingerprint have the same future. Messages are a set, whose order says nothing.
    pub(super) fn fingerprint(&self) -> u64 {
        let digests = self.world.net.iter().map(|envelope| envelope.digest);
        let net = digests.fold(0, u64::wrapping_add);
        digest::of(&(&self.digests, net, &self.world.oracle, &self.left))
    }

    /// Drops what can change nothing any more, whenever it arrives: of leaderships that are over, and what a store has done.
    pub(super) fn drop_what_is_over(&mut self) {
        let World { nodes, net, .. } = &mut self.world;
        net.retain(|envelope| match &envelope.message {
            Message::Order(order) => {
                let stored = &nodes[&envelope.to].disk.stored;
                if order.reign < stored.promised {
                    return nodes[&envelope.from].leads() == Some(order.reign);
                }
                match &order.ask {
                    Ask::Promise => order.reign > stored.promised,
                    Ask::Append { batches, .. } => batches
                        .last()
                        .is_some_and(|last| last.to > stored.state.stamp),
                    Ask::Part { at, .. } => *at > stored.state.stamp,
                    Ask::Replace { rest, .. } => rest.stamp > stored.state.stamp,
                    Ask::Fetch { at, .. } => *at == stored.state.stamp,
                }
            }
            Message::Report(report) => nodes[&envelope.to].leads() == Some(report.reign),
        });
    }

    /// The fingerprints of the nodes, of which only those that are not as before are taken anew.
    pub(super) fn look_at_nodes(&mut self, before: Option<&Self>) {
        let nodes = self.world.nodes.values().enumerate();
        let looked = nodes.map(|(at, node)| {
            let same = before.filter(|before| {
                before
                    .world
                    .nodes
                    .values()
                    .nth(at)
                    .is_some_and(|old| Arc::ptr_eq(old, node))
            });
            same.map_or_else(|| digest::of(node), |before| before.digests[at])
        });
        self.digests = looked.collect();
    }
}

/// In words: who hears what of whom.
pub(crate) fn told(envelope: &Envelope) -> String {
    let (from, to): (Slot, Slot) = (envelope.from, envelope.to);
    match &envelope.message {
        Message::Order(order) => {
            let epoch = order.reign.epoch.round();
            format!("{to} hears of {from}'s leadership {epoch}: {:?}", order.ask)
        }
        Message::Report(report) => {
            let epoch = report.reign.epoch.round();
            let at = report.standing.stamp;
            format!(
                "{to}, leading {epoch}, hears that {from} stands at {at}: {:?}",
                report.answer
            )
        }
    }
}
