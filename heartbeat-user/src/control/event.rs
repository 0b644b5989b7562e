//! One line of a node's history.

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use super::history::HistoryEntry;
use super::snapshot::{FirstMaster, HookStatus};
use super::words::ServiceWord;

/// What history keeps. Which one a line of JSON is, its keys tell: `service`, `hook`, `first_master`,
/// `slot_addresses`, or none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// The node changed its role.
    Role(HistoryEntry),
    /// A service of it failed, was tried to be brought back, or works again.
    Service(ServiceEvent),
    /// A hook of it has ended.
    Hook(HookStatus),
    /// It is master, and found out what became of the one before it.
    FirstMaster(FirstMaster),
    /// It bears the addresses of a slot from now on, or ceased to.
    Slot(SlotEvent),
}

/// What became of the addresses of a slot that go by a lease, on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotEvent {
    /// When, by the wall clock, as RFC 3339 in UTC.
    pub at: String,
    /// Whose addresses.
    pub slot_addresses: Slot,
    /// What.
    pub change: SlotChange,
}

/// What becomes of a slot's addresses. A master that is none any more bears none of another slot's, which no event of
/// its own says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotChange {
    /// The node's own slot: it holds the lease.
    LeaseHeld,
    /// The node's own slot: its lease is over.
    LeaseOver,
    /// Another slot: the node, as master, took them over.
    TakenOver,
    /// Another slot: it gave them back.
    GivenBack,
}

impl SlotChange {
    /// The word for it in history and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeaseHeld => "lease_held",
            Self::LeaseOver => "lease_over",
            Self::TakenOver => "taken_over",
            Self::GivenBack => "given_back",
        }
    }
}

/// A service of one node: what it became, or an attempt to bring it back that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// When, by the wall clock, as RFC 3339 in UTC.
    pub at: String,
    /// Its name.
    pub service: String,
    /// How it was.
    pub from: ServiceWord,
    /// How it is; the same where an attempt failed.
    pub to: ServiceWord,
    /// Attempts so far to bring it back since it failed.
    pub attempts: u32,
    /// Why, in one clause.
    pub reason: String,
    /// How long it had been so, in microseconds.
    pub duration_us: u64,
}
