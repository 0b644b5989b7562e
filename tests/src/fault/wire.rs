//! Faults of wires and whole nodes, made at the bridge's end of a node's links.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::lab::addresses::{NETWORKS, Network};
use crate::lab::command::run;
use crate::lab::port::{ALL, DIRECTIONS, Direction, Wear};
use crate::lab::topology::Topology;

/// How long a link may take to come up.
const UP: Duration = Duration::from_secs(5);

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

/// The switch of a network stops, or works again: no node loses its carrier, and nothing passes.
///
/// # Errors
/// When iproute2 fails.
pub fn switch(topology: &Topology, network: Network, on: bool) -> Result<()> {
    let state = if on { "up" } else { "down" };
    let bridge = topology.bridge(network).name();
    run("ip", &["-netns", bridge, "link", "set", "br0", state]).map(drop)
}

/// No node hears another one any more, on either network, while each still reaches everybody else: as behind two
/// halves of a network that are parted, with a reference in both.
///
/// # Errors
/// When iproute2 fails.
pub fn part(topology: &Topology, parted: bool) -> Result<()> {
    let isolated = if parted { "on" } else { "off" };
    for network in NETWORKS {
        let bridge = topology.bridge(network).name();
        for slot in topology.slots() {
            let port = topology.port(slot, network).name();
            let set = [
                "-netns",
                bridge,
                "link",
                "set",
                "dev",
                port,
                "type",
                "bridge_slave",
                "isolated",
                isolated,
            ];
            run("ip", &set)?;
        }
    }
    Ok(())
}

/// The node's link to `network` loses its carrier.
///
/// # Errors
/// When the link cannot be changed.
pub fn unplug(topology: &Topology, slot: u16, network: Network) -> Result<()> {
    topology.port(slot, network).carrier(false)
}

/// The node's link to `network` is whole again, and carries frames when this returns: the kernel puts
/// the news of a carrier off by up to a second (net/core/link_watch.c), and sends nothing until then.
///
/// # Errors
/// When a map or the link cannot be changed, or the link does not come up.
pub fn heal(topology: &Topology, slot: u16, network: Network) -> Result<()> {
    wear(topology, slot, network, Wear::default())?;
    let port = topology.port(slot, network);
    port.carrier(true)?;
    let ends = [
        (topology.bridge(network).name(), port.name()),
        (topology.node(slot).name(), network.interface()),
    ];
    let begun = Instant::now();
    while !(is_up(ends[0])? && is_up(ends[1])?) {
        ensure!(
            begun.elapsed() < UP,
            "the link of slot {slot} did not come up within {UP:?}"
        );
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Whether the kernel sends frames on that interface.
fn is_up((namespace, interface): (&str, &str)) -> Result<bool> {
    Ok(run(
        "ip",
        &["-netns", namespace, "-o", "link", "show", "dev", interface],
    )?
    .contains("state UP"))
}
