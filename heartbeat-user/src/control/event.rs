//! One line of a node's history.

use serde::{Deserialize, Serialize};

use super::history::HistoryEntry;
use super::snapshot::{FirstMaster, HookStatus};
use super::words::ServiceWord;

/// What history keeps. Which one a line of JSON is, its keys tell: `service`, `hook`, `first_master`, or none of them.
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
