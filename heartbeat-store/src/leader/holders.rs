//! Whose stores count: led towards the electors' one store at a time.

use super::Leader;
use crate::change::Change;
use crate::disk::Note;
use heartbeat_core::Slot;

impl Leader {
    /// The next step towards the electors' stores, one at a time, so that any majority before and any after it have a
    /// store in common.
    ///
    /// A store counts once it has all that is stored, so that it never stands in the way of a majority while it is
    /// filled. Another store in a slot that has one takes two steps: the one that is no more leaves, and only then
    /// does the other come, for two sets that differ by both have no store in common for sure. Who is no elector any
    /// more leaves last.
    pub(super) fn next_holders(&self) -> Option<Change> {
        let holders = &self.spread()?.served()?.holders;
        let mut waits = false;
        for slot in &self.electors {
            let counts = holders.get(slot);
            match (counts, self.current(*slot)) {
                (Some(store), Some(current)) if *store != current.store => {
                    return dismissal(*slot, holders.len());
                }
                (None, Some(current)) => {
                    return Some(Change::Admit {
                        slot: *slot,
                        store: current.store,
                    });
                }
                (None, None) => waits = true,
                (Some(_), _) => {}
            }
        }
        let leaves = |slot: &&Slot| !self.electors.contains(*slot);
        let leaver = holders.keys().find(leaves).filter(|_| !waits)?;
        dismissal(*leaver, holders.len())
    }

    /// The store there, if it has all that is stored.
    fn current(&self, slot: Slot) -> Option<Note> {
        let newest = self.spread()?.newest();
        let note = self.peers.get(&slot)?.note()?;
        (note.stamp == newest).then_some(note)
    }
}

/// The last store that counts stays.
fn dismissal(slot: Slot, count: usize) -> Option<Change> {
    (count > 1).then_some(Change::Dismiss { slot })
}
