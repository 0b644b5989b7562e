//! A firewall on a node: datagrams to one UDP port are dropped by nftables.

use std::net::IpAddr;

use anyhow::Result;

use crate::lab::command::run;
use crate::lab::netns::Netns;

/// Name of the rules' table in the node's namespace.
const TABLE: &str = "heartbeat-lab";

/// Which way the dropped datagrams go, seen from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the node. XDP stands before the firewall, so heartbeats are not stopped so.
    In,
    /// From the node. Packet sockets go past the firewall, so multicast probes are not stopped so.
    Out,
}

/// Drops every datagram to that port which goes that way, until [`pass`].
///
/// # Errors
/// When nft refuses.
pub fn drop_port(node: &Netns, port: u16, way: Way) -> Result<()> {
    let hook = match way {
        Way::In => "input",
        Way::Out => "output",
    };
    let rules = format!(
        "table inet {TABLE} {{\nchain {hook} {{\ntype filter hook {hook} priority 0\nudp dport {port} drop\n}}\n}}"
    );
    node.run(|| run("nft", &[&rules]))?.map(drop)
}

/// Drops every echo request (ICMP) from that node to `address`, until [`pass`]: the address is there, and does not answer
/// this node.
///
/// # Errors
/// When nft refuses.
pub fn drop_echo(node: &Netns, address: IpAddr) -> Result<()> {
    let family = match address {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    };
    let rules = format!(
        "table inet {TABLE} {{\nchain output {{\ntype filter hook output priority 0\nmeta l4proto {{ icmp, icmpv6 }} \
         {family} daddr {address} drop\n}}\n}}"
    );
    node.run(|| run("nft", &[&rules]))?.map(drop)
}

/// Drops nothing any more.
///
/// # Errors
/// When nft refuses, or nothing was dropped.
pub fn pass(node: &Netns) -> Result<()> {
    node.run(|| run("nft", &["delete", "table", "inet", TABLE]))?
        .map(drop)
}
