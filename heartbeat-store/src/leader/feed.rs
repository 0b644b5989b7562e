//! What each store is sent next.

use std::collections::{BTreeSet, VecDeque};

use heartbeat_core::{Instant, Slot};

use super::{Leader, Peer, Stage};
use crate::message::{Ask, Message, Order};
use crate::output::Output;
use crate::replica::Replica;

impl Leader {
    /// Sends each store that owes no answer what it lacks.
    pub(super) fn feed(&mut self, own: &Replica, now: Instant, outputs: &mut VecDeque<Output>) {
        for slot in self.audience() {
            let peer = self.peers.entry(slot).or_default();
            if peer.is_asked() {
                continue;
            }
            if let Some(ask) = self.lacks(slot, own) {
                let peer = self.peers.entry(slot).or_default();
                peer.is_filling = matches!(ask, Ask::Part { .. } | Ask::Replace { .. });
                peer.ask(now);
                let order = Order {
                    reign: self.reign,
                    ask,
                };
                outputs.push_back(Output::Send {
                    to: slot,
                    message: Message::Order(order),
                });
            }
        }
    }

    /// When something is to be sent again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.peers.values().filter_map(Peer::again).min()
    }

    /// Who has not answered in time is asked again.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for peer in self.peers.values_mut() {
            if peer.again().is_some_and(|again| again <= now) {
                peer.forget_asking();
            }
        }
        self.give_up_source();
    }

    /// A connection to that node begins: what was sent before may be lost, and the store be another one.
    pub(crate) fn connected(&mut self, slot: Slot) {
        if let Some(peer) = self.peers.get_mut(&slot) {
            peer.forget_asking();
            peer.is_unsure = true;
        }
    }

    /// Whose stores are asked: the electors', and those that count.
    pub(super) fn audience(&self) -> BTreeSet<Slot> {
        let mut audience = self.electors.clone();
        match &self.stage {
            Stage::Promising | Stage::Fetching(_) => {
                let known = self.peers.values().filter_map(|peer| peer.holders.as_ref());
                audience.extend(known.flat_map(|holders| holders.keys()));
            }
            Stage::Leading(spread) => audience.extend(spread.holders().keys()),
            Stage::Over => audience.clear(),
        }
        audience
    }

    /// What a store is to be asked for.
    fn lacks(&mut self, slot: Slot, own: &Replica) -> Option<Ask> {
        let peer = self.peers.get(&slot)?;
        let Some(standing) = peer.standing.as_ref().filter(|_| !peer.is_unsure) else {
            return Some(Ask::Promise);
        };
        match &mut self.stage {
            Stage::Promising => peer.holders.is_none().then_some(Ask::Promise),
            Stage::Fetching(fetching) => (fetching.source == slot).then(|| fetching.ask(own)),
            Stage::Leading(spread) => spread.lacks(standing, &self.noted),
            Stage::Over => None,
        }
    }
}
