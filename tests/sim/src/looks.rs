//! What is seen of a cluster from outside.

use heartbeat_core::snapshot::{Role, Snapshot};
use heartbeat_core::{Epoch, Instant, Slot};

use crate::world::World;

impl World {
    /// The one machine whose gate is open.
    #[must_use]
    pub fn master(&self) -> Option<Slot> {
        let is_open = |slot: &Slot| {
            let machine = &self.machines[slot];
            machine.is_on && machine.kernel.gate_is_open(machine.clock.boot(self.at))
        };
        let mut holders = self.watch.holders().iter().copied();
        holders.find(is_open)
    }

    /// The epoch of its mastership.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.master().map_or(Epoch::NONE, |slot| {
            Epoch(self.machine(slot).kernel.control.lease_epoch)
        })
    }

    /// What the daemon in `slot` knows.
    ///
    /// # Panics
    /// When none runs there.
    #[must_use]
    pub fn snapshot(&self, slot: Slot) -> Snapshot {
        let machine = self.machine(slot);
        let now = Instant(machine.clock.boot(self.at));
        machine.node.as_ref().expect("it runs").snapshot(now)
    }

    /// The role of the daemon in `slot`.
    #[must_use]
    pub fn role(&self, slot: Slot) -> Option<Role> {
        self.machine(slot).role()
    }

    /// The true time at which `slot` last became `role`.
    #[must_use]
    pub fn became(&self, slot: Slot, role: Role) -> Option<u64> {
        let changes = self.machine(slot).changes.iter().rev();
        changes
            .into_iter()
            .find(|change| change.to == role)
            .map(|change| change.at)
    }
}
