//! Who is who by address.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_wire::maps::{Address, Member, mapped, member_flag};

/// A slot's address in clusters that have no real network.
#[must_use]
pub const fn address_of(slot: Slot, network: Network) -> Address {
    let [high, low] = slot.to_be_bytes();
    match network {
        Network::Management => mapped([10, 1, high, low]),
        Network::Business => mapped([10, 2, high, low]),
    }
}

/// Every member's entry, one table for all machines of a cluster.
#[derive(Clone, Debug)]
pub struct Members(BTreeMap<Slot, Member>);

impl Members {
    /// Members on both networks, by [`address_of`].
    #[must_use]
    pub fn new(slots: impl Iterator<Item = Slot>) -> Self {
        let entry = |slot| Member {
            address: address_of(slot, Network::Management),
            business_address: address_of(slot, Network::Business),
            flags: member_flag::PRESENT,
        };
        slots.map(|slot| (slot, entry(slot))).collect()
    }

    /// The entry in `slot`.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Member> {
        self.0.get(&slot)
    }

    /// Every slot with an entry, ascending.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.0.keys().copied()
    }
}

impl FromIterator<(Slot, Member)> for Members {
    fn from_iter<T: IntoIterator<Item = (Slot, Member)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// It never changes, so it tells no state from another.
impl Hash for Members {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
