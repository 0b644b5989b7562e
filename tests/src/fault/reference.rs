//! The device that tells one of a pair whether it is cut off: the business network's bridge.

use std::fs;

use anyhow::{Context as _, Result};

use crate::lab::addresses::Network;
use crate::lab::topology::Topology;

/// Whether it answers echo requests (ICMP); what goes through the bridge is not touched.
///
/// # Errors
/// When the setting cannot be written.
pub fn answers(topology: &Topology, does: bool) -> Result<()> {
    const IGNORE: &str = "/proc/sys/net/ipv4/icmp_echo_ignore_all";
    let ignores = if does { "0" } else { "1" };
    topology
        .bridge(Network::Business)
        .run(|| fs::write(IGNORE, ignores))?
        .with_context(|| format!("cannot write {IGNORE}"))
}
