//! What `heartbeatctl nodes` shows: the fixed information of every node, and since when it is known.

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

/// One node, as the asked node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its slot.
    pub slot: Slot,
    /// Its name in the configuration.
    pub name: String,
    /// Whether it answered now.
    pub answered: bool,
    /// Why it did not; null if it did.
    pub fault: Option<String>,
    /// How long ago it said this, by this node's wall clock; null if it never did.
    pub age_us: Option<u64>,
    /// What it said last; null if it never did.
    pub facts: Option<NodeFacts>,
}

/// What one node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its host name.
    pub host: String,
    /// The version of its heartbeatd.
    pub version: String,
    /// Its slot.
    pub slot: Slot,
    /// Its kernel's release.
    pub kernel: String,
    /// When it was started, RFC 3339, UTC.
    pub booted_at: String,
    /// The digest of its configuration, 16 hexadecimal digits.
    pub configuration: String,
    /// The interfaces that heartbeatd uses there, by name.
    pub interfaces: Vec<InterfaceFacts>,
}

/// One interface of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceFacts {
    /// Its name.
    pub name: String,
    /// `management` or `business`; null for one that only carries a virtual address.
    pub network: Option<String>,
    /// Its hardware address; null on those without one.
    pub mac: Option<String>,
    /// Its driver; null where it tells none.
    pub driver: Option<DriverFacts>,
    /// `native`, `generic` or `tc`: how its heartbeats are answered; null where none are.
    pub xdp: Option<String>,
}

/// What drives an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverFacts {
    /// The driver's name.
    pub name: String,
    /// Its version, often the kernel's.
    pub version: String,
    /// The card's firmware; empty where there is none.
    pub firmware: String,
    /// Where the card is on its bus; empty where it is on none.
    pub bus: String,
}
