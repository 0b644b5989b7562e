//! The links to the other daemons: whom the plan in force has them with, and what operators see of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;

use super::plan::Plan;
use super::wiring;
use crate::config::Connection;
use crate::control::{LinkStatus, LinksStatus};
use crate::peer::{LinkKey, LinkState, Membership, Peers, Place};

/// Who may be linked with whom, where, and by which keys.
pub(super) fn membership(plan: &Plan) -> Membership {
    let place = |(network, own): (Network, &Connection)| Place {
        network,
        interface: own.interface.clone(),
        address: own.address,
    };
    let mut members: BTreeMap<Slot, Vec<(Network, IpAddr)>> = BTreeMap::new();
    for network in [Network::Management, Network::Business] {
        for (slot, address) in wiring::others(plan, network) {
            members.entry(slot).or_default().push((network, address));
        }
    }
    Membership {
        cluster: plan.config.cluster_id,
        slot: plan.slot,
        port: plan.config.replication_port,
        keys: plan.config.keys.iter().map(LinkKey::of).collect(),
        places: plan.connections().map(place).collect(),
        members,
    }
}

/// What operators see of them.
pub(super) fn status(peers: &Peers) -> LinksStatus {
    let links = peers.links();
    let links = links.borrow();
    let link = |(slot, state): (&Slot, &LinkState)| {
        let (network, fault) = match state {
            LinkState::Up { network, .. } => (Some(word(*network).to_owned()), None),
            LinkState::Down { why } => (None, Some(why.clone())),
        };
        LinkStatus {
            slot: *slot,
            network,
            fault,
        }
    };
    let refused = peers.refused().into_iter();
    LinksStatus {
        dialled: links.iter().map(link).collect(),
        refused: refused
            .map(|(word, count)| (word.to_owned(), count))
            .collect(),
    }
}

/// The word for a network, as in the configuration.
pub(super) const fn word(network: Network) -> &'static str {
    match network {
        Network::Management => "management",
        Network::Business => "business",
    }
}
