//! The links to the other daemons, as the plan in force has them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;

use super::plan::Plan;
use super::wiring;
use crate::config::Connection;
use crate::peer::{LinkKey, Membership, Place};

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
