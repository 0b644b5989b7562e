//! What is to be shown of a store.

use std::collections::BTreeMap;

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use crate::disk::Trouble;
use crate::stamp::{Revision, Stamp};
use crate::state::StoreId;

/// What is to be shown of a node's store, and of its leadership if it leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Status {
    /// What it does.
    pub stage: Stage,
    /// Which store it is.
    pub store: StoreId,
    /// Where its state stands, on its disk.
    pub stamp: Stamp,
    /// Entries on its disk.
    pub entries: usize,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Why its disk did not take what it was asked to write last.
    pub trouble: Option<Trouble>,
    /// Where the state stands that a majority has; `None` unless it serves.
    pub served: Option<Stamp>,
    /// What a leadership knows of all stores; empty unless this node leads.
    pub stores: BTreeMap<Slot, StoreStatus>,
}

/// What a node does with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It does what a leader says.
    Following,
    /// It has less than it was seen to have, and takes part in nothing.
    SetBack,
    /// It leads: nothing was ever stored, as far as it knows, and it waits until all electors' stores say so.
    Forming,
    /// It leads: it waits until a majority has promised.
    Promising,
    /// It leads: the newest state comes from another node.
    Fetching,
    /// It leads: the state spreads to a majority.
    Spreading,
    /// It leads, and can be read and written.
    Serving,
}

/// What a leadership knows of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoreStatus {
    /// How it takes part.
    pub part: Part,
    /// Changes that it lacks; `None` if it has not answered this leadership.
    pub lags: Option<Revision>,
    /// Why its disk did not take what it was asked to write last.
    pub trouble: Option<Trouble>,
}

/// How a store takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It counts.
    Counts,
    /// It counts nowhere before it is filled: it is new, or was set back.
    Refilling,
    /// It has not answered this leadership.
    Silent,
}

impl Stage {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::SetBack => "set_back",
            Self::Forming => "forming",
            Self::Promising => "promising",
            Self::Fetching => "fetching",
            Self::Spreading => "spreading",
            Self::Serving => "serving",
        }
    }
}

impl Part {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Refilling => "refilling",
            Self::Silent => "silent",
        }
    }
}
