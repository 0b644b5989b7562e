//! Who is who by address, and the frames counted by verdict.

use std::collections::BTreeMap;
use std::ops::Index;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_wire::maps::{Address, Member, mapped, member_flag};
use heartbeat_wire::verdict::Verdict;

/// Where a slot's frames come from.
#[must_use]
pub const fn address_of(slot: Slot, network: Network) -> Address {
    let [high, low] = slot.to_be_bytes();
    match network {
        Network::Management => mapped([10, 1, high, low]),
        Network::Business => mapped([10, 2, high, low]),
    }
}

/// Which network an answer to this address takes.
pub(super) fn network_of(address: Address) -> Network {
    let [_, low] = address.map(u64::to_le_bytes);
    let [.., 10, network, _, _] = low else {
        unreachable!("all addresses are of 10.0.0.0/8");
    };
    if network == 2 {
        Network::Business
    } else {
        Network::Management
    }
}

/// The addresses of all members, one table for all machines.
#[derive(Debug)]
pub struct Members(pub(super) BTreeMap<Slot, Member>);

impl Members {
    /// Every member is on both networks.
    #[must_use]
    pub fn new(slots: impl Iterator<Item = Slot>) -> Self {
        let entry = |slot| Member {
            address: address_of(slot, Network::Management),
            business_address: address_of(slot, Network::Business),
            flags: member_flag::PRESENT,
        };
        Self(slots.map(|slot| (slot, entry(slot))).collect())
    }
}

/// How many frames had which verdict.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(pub(super) [u64; Verdict::ALL.len()]);

impl Index<Verdict> for Verdicts {
    type Output = u64;

    fn index(&self, verdict: Verdict) -> &u64 {
        &self.0[verdict.index()]
    }
}
