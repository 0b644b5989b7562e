//! A node in one of its states, and what a search looks at in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use heartbeat_core::{Instant, Slot};
use heartbeat_store::message::Report;
use heartbeat_store::{Reign, Stamp, Store, StoreId};

use crate::digest;
use crate::oracle::{Acknowledged, Violation, judge};
use crate::world::Node;

/// A node in one of its states.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) slot: Slot,
    /// Two states of a node with the same one have the same future.
    pub(super) digest: u64,
    pub(super) node: Arc<Node>,
    /// What its clock says. Two states that differ by it alone are one.
    pub(super) now: Instant,
    /// The leadership that goes on here.
    pub(super) leads: Option<Reign>,
    /// What that leadership heard last of each store.
    pub(super) heard: Heard,
    /// States on its disk, and of those that it serves.
    states: Vec<(Stamp, u64)>,
}

/// Which store is where, and where it stands.
pub(super) type Heard = BTreeMap<Slot, (StoreId, Stamp)>;

impl Known {
    pub(super) fn new(slot: Slot, node: Arc<Node>, now: Instant, heard: Heard) -> Self {
        let served = node.store.as_ref().and_then(Store::served);
        let states = [&node.disk.stored.state].into_iter().chain(served);
        let states = states.map(|state| (state.stamp, digest::of_state(state)));
        Self {
            slot,
            digest: digest(slot, &node),
            now,
            leads: node.leads(),
            heard,
            states: states.collect(),
            node,
        }
    }

    /// Whether its disk is at work.
    pub(super) fn is_busy(&self) -> bool {
        self.node.pending.is_some()
    }

    pub(super) fn promised(&self) -> Reign {
        self.node.disk.stored.promised
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.node.disk.stored.state.stamp
    }

    pub(super) fn serves(&self) -> bool {
        self.node
            .store
            .as_ref()
            .is_some_and(|store| store.served().is_some())
    }

    /// What is served has all that was acknowledged before.
    pub(super) fn judge(&self, acknowledged: &[Acknowledged]) -> Result<(), Violation> {
        let served = self.node.store.as_ref().and_then(Store::served);
        served.map_or(Ok(()), |served| {
            judge(acknowledged, self.slot, self.node.reign, served)
        })
    }

    /// What two nodes have under one stamp is the same.
    pub(super) fn judge_stamps(&self, other: &Self) -> Result<(), Violation> {
        for (stamp, digest) in &self.states {
            let is_other = |(at, has): &(Stamp, u64)| at == stamp && has != digest;
            if other.states.iter().any(is_other) {
                let (stamp, slot) = (*stamp, self.slot);
                return Err(Violation::TwoStates { stamp, slot });
            }
        }
        Ok(())
    }

    /// What this leadership has heard of the stores, once it hears this too.
    pub(super) fn heard_with(&self, from: Slot, report: &Report) -> Heard {
        let mut heard = self.heard.clone();
        let standing = &report.standing;
        let is_for = self.leads == Some(report.reign) && standing.promised == report.reign;
        let is_late = heard
            .get(&from)
            .is_some_and(|(store, stamp)| *store == standing.store && *stamp > standing.stamp);
        if is_for && !is_late {
            heard.insert(from, (standing.store, standing.stamp));
        }
        heard
    }
}

/// The number of a write to a disk says nothing.
fn digest(slot: Slot, node: &Node) -> u64 {
    let pending = node.pending.as_ref().map(|(_, write)| write);
    digest::of(&(
        slot,
        &node.store,
        &node.disk,
        pending,
        node.reign,
        &node.asked,
    ))
}
