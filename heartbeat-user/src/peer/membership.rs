//! Who may be linked with whom, where, and by which keys.

use std::collections::BTreeMap;
use std::net::IpAddr;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;

use super::key::LinkKey;

/// This node and the other members, as the configuration in force has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The cluster's id.
    pub cluster: u64,
    /// This node's slot.
    pub slot: Slot,
    /// The TCP port of links, the same on every member.
    pub port: u16,
    /// One or two keys: dialled with the first, both accepted.
    pub keys: Vec<LinkKey>,
    /// Where this node is, management network first.
    pub places: Vec<Place>,
    /// Where every other member is.
    pub members: BTreeMap<Slot, Vec<(Network, IpAddr)>>,
}

/// Where this node is on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The network.
    pub network: Network,
    /// The network's interface; nothing else is listened to.
    pub interface: String,
    /// This node's address there.
    pub address: IpAddr,
}

impl Membership {
    /// Where this node is on this network.
    #[must_use]
    pub(super) fn place(&self, network: Network) -> Option<&Place> {
        self.places.iter().find(|place| place.network == network)
    }

    /// Where the member in `slot` is on this network.
    #[must_use]
    pub(super) fn address(&self, slot: Slot, network: Network) -> Option<IpAddr> {
        let places = self.members.get(&slot)?;
        let place = places.iter().find(|(its, _)| *its == network)?;
        Some(place.1)
    }

    /// Whether any member is at this address of the network.
    #[must_use]
    pub(super) fn is_members(&self, network: Network, address: IpAddr) -> bool {
        let mut places = self.members.values().flatten();
        places.any(|place| *place == (network, address))
    }

    /// The key that the other end names.
    #[must_use]
    pub(super) fn key(&self, id: u16) -> Option<&LinkKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// Whether a link of these facts may go on.
    #[must_use]
    pub(super) fn allows(&self, facts: &LinkFacts) -> bool {
        self.key(facts.key_id).is_some()
            && self.address(facts.peer, facts.network) == Some(facts.address)
    }
}

/// What a link hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkFacts {
    /// The other end.
    pub(super) peer: Slot,
    /// Over which network.
    pub(super) network: Network,
    /// Its address there.
    pub(super) address: IpAddr,
    /// By which key.
    pub(super) key_id: u16,
}
