//! Steps for schedules that are written down: who hears whom, and which disks are quick.

use std::collections::BTreeSet;

use heartbeat_core::Slot;

use crate::oracle::Violation;
use crate::world::World;

/// More messages than any schedule needs: what goes on beyond goes round in circles.
const MOST: usize = 100_000;

impl World {
    /// Delivers what these nodes say to each other, and lets their disks work, until nothing is left to do. What is said to
    /// or by others waits.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn among(&mut self, slots: &[Slot]) -> Result<(), Violation> {
        self.settle(slots, slots)
    }

    /// The same; only these disks work.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn settle(&mut self, slots: &[Slot], disks: &[Slot]) -> Result<(), Violation> {
        let among: BTreeSet<Slot> = slots.iter().copied().collect();
        for _ in 0..MOST {
            let is_among = |from, to| among.contains(from) && among.contains(to);
            let at = self
                .net
                .iter()
                .position(|envelope| is_among(&envelope.from, &envelope.to));
            let busy = disks
                .iter()
                .find(|slot| self.nodes[*slot].pending.is_some());
            match (at, busy) {
                (Some(at), _) => {
                    let envelope = self.net.remove(at);
                    self.deliver(&envelope)?;
                }
                (None, Some(slot)) => self.written(*slot)?,
                (None, None) => return Ok(()),
            }
        }
        panic!("it goes round in circles");
    }

    /// Whatever is on the way is lost, and each leadership asks again.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn reconnect(&mut self) -> Result<(), Violation> {
        self.net.clear();
        let slots: Vec<Slot> = self.nodes.keys().copied().collect();
        let now = self.now;
        for slot in &slots {
            for other in &slots {
                self.with(*slot, |store| store.connected(*other, now))?;
            }
        }
        Ok(())
    }
}
