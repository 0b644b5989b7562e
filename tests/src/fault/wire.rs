//! Faults of wires and whole nodes, made at the bridge's end of a node's links.

use anyhow::Result;

use crate::lab::addresses::{NETWORKS, Network};
use crate::lab::port::{ALL, DIRECTIONS, Direction, Wear};
use crate::lab::topology::Topology;

/// How a node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// Nothing passes any more, and its neighbours lose the carrier, as when the power goes.
    Loud,
    /// Nothing passes any more, but the carrier stays, as behind a switch or in a machine that hangs.
    Silent,
}

/// The node in `slot` is gone: both directions of both its links stop within microseconds. Its
/// processes live on and can neither hear nor be heard, which no other node can tell from death.
///
/// # Errors
/// When a map or a link cannot be changed.
pub fn kill_node(topology: &Topology, slot: u16, death: Death) -> Result<()> {
    for network in NETWORKS {
        cut(topology, slot, network)?;
    }
    match death {
        Death::Silent => Ok(()),
        Death::Loud => NETWORKS
            .into_iter()
            .try_for_each(|network| topology.port(slot, network).carrier(false)),
    }
}

/// The node in `slot` is back on both networks, with whole wires.
///
/// # Errors
/// When a map or a link cannot be changed.
pub fn heal_node(topology: &Topology, slot: u16) -> Result<()> {
    NETWORKS
        .into_iter()
        .try_for_each(|network| heal(topology, slot, network))
}

/// Nothing passes the node's link to `network` in either direction; the carrier stays.
///
/// # Errors
/// When a map cannot be changed.
pub fn cut(topology: &Topology, slot: u16, network: Network) -> Result<()> {
    DIRECTIONS
        .into_iter()
        .try_for_each(|direction| cut_one_way(topology, slot, network, direction))
}

/// Nothing passes the node's link to `network` in that direction.
///
/// # Errors
/// When a map cannot be changed.
pub fn cut_one_way(
    topology: &Topology,
    slot: u16,
    network: Network,
    direction: Direction,
) -> Result<()> {
    topology.port(slot, network).wear(
        direction,
        Wear {
            lost: ALL,
            doubled: 0,
        },
    )
}

/// Both directions of the node's link to `network` lose and double frames.
///
/// # Errors
/// When a map cannot be changed.
pub fn wear(topology: &Topology, slot: u16, network: Network, wear: Wear) -> Result<()> {
    DIRECTIONS
        .into_iter()
        .try_for_each(|direction| topology.port(slot, network).wear(direction, wear))
}

/// The node's link to `network` loses its carrier.
///
/// # Errors
/// When the link cannot be changed.
pub fn unplug(topology: &Topology, slot: u16, network: Network) -> Result<()> {
    topology.port(slot, network).carrier(false)
}

/// The node's link to `network` is whole again.
///
/// # Errors
/// When a map or the link cannot be changed.
pub fn heal(topology: &Topology, slot: u16, network: Network) -> Result<()> {
    wear(topology, slot, network, Wear::default())?;
    topology.port(slot, network).carrier(true)
}
