//! The addresses that go by a slot's lease: this node's own, and those that it took over as master.

use heartbeat_core::Slot;

use super::holding::Holding;
use super::worker::{SlotHolding, Worker};
use super::{Report, VirtualAddress, Whose};
use crate::sys::clock::boot_ns;

impl Worker {
    /// Holds a slot's addresses in place of those that were held of it.
    pub(super) fn hold_slot(&mut self, slot: Slot, is_taken: bool, addresses: &[VirtualAddress]) {
        self.slots.retain(|held| held.slot != slot);
        self.leftovers
            .retain(|leftover| !addresses.contains(&leftover.address));
        let (holding, _, announced_at_ns) = Holding::take_over(&mut self.tools, addresses);
        self.slots.push(SlotHolding {
            slot,
            is_taken,
            holding,
        });
        self.tools.report(Report::HeldSlot {
            slot,
            announced_at_ns,
        });
    }

    /// Announces anew what is held of these.
    pub(super) fn announce(&mut self, whose: Whose) {
        let holding = match whose {
            Whose::Master => self.holding.as_mut(),
            Whose::Slot(slot) => {
                let mut slots = self.slots.iter_mut();
                let held = slots.find(|held| held.slot == slot);
                held.map(|held| &mut held.holding)
            }
        };
        if let Some(holding) = holding {
            holding.announce_anew(boot_ns());
        }
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
