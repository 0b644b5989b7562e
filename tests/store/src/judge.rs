//! A look at what is: whether anything happened that never must.

use std::sync::Arc;

use heartbeat_core::Slot;
use heartbeat_store::{State, Store};

use crate::digest;
use crate::oracle::Violation;
use crate::world::World;

impl World {
    /// What is served has all that was acknowledged before, and is what others have under its stamp.
    pub(crate) fn judge(&mut self, slot: Slot) -> Result<(), Violation> {
        for (server, node) in &self.nodes {
            if let Some(served) = node.store.as_ref().and_then(Store::served) {
                self.oracle.judge(*server, node.reign, served)?;
            }
        }
        let node = Arc::clone(&self.nodes[&slot]);
        match node.store.as_ref().and_then(Store::served) {
            Some(served) => self.judge_stamp(slot, served),
            None => Ok(()),
        }
    }

    /// What is on a disk is what its store thinks, and what others have under its stamp.
    pub(crate) fn judge_disk(&mut self, slot: Slot) -> Result<(), Violation> {
        let node = Arc::clone(&self.nodes[&slot]);
        let stored = &node.disk.stored;
        if node
            .store
            .as_ref()
            .is_some_and(|store| store.stored() != stored)
        {
            return Err(Violation::UnlikeDisk { slot });
        }
        self.judge_stamp(slot, &stored.state)
    }

    /// One state a stamp: among all that was seen, or else among what is there.
    fn judge_stamp(&mut self, slot: Slot, state: &State) -> Result<(), Violation> {
        if let Some(stamps) = &mut self.stamps {
            return stamps.judge(slot, state.stamp, digest::of_state(state));
        }
        let others = self.nodes.values().map(|other| &other.disk.stored.state);
        let mut same = others.filter(|other| other.stamp == state.stamp);
        if same.any(|other| other != state) {
            return Err(Violation::TwoStates {
                stamp: state.stamp,
                slot,
            });
        }
        Ok(())
    }
}
