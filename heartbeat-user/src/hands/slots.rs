//! The addresses that go by a slot's lease: this node's own, and those that it took over as master.

use heartbeat_core::Slot;

use super::VirtualAddress;
use super::holding::Holding;
use super::worker::{SlotHolding, Worker};

impl Worker {
    /// Holds a slot's addresses in place of those that were held of it.
    pub(super) fn hold_slot(&mut self, slot: Slot, is_taken: bool, addresses: &[VirtualAddress]) {
        self.slots.retain(|held| held.slot != slot);
        self.leftovers
            .retain(|leftover| !addresses.contains(&leftover.address));
        let (holding, _, _) = Holding::take_over(&mut self.tools, addresses);
        self.slots.push(SlotHolding {
            slot,
            is_taken,
            holding,
        });
    }

    /// Deletes the addresses of these slots.
    pub(super) fn drop_slots(&mut self, which: impl Fn(&SlotHolding) -> bool) {
        let (leave, stay) = std::mem::take(&mut self.slots).into_iter().partition(which);
        self.slots = stay;
        let leave: Vec<SlotHolding> = leave;
        for held in &leave {
            for (address, link_index) in held.holding.addresses() {
                self.give_up(address, link_index);
            }
        }
    }
}
