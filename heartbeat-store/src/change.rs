//! What leads from one state to the next.

use bytes::Bytes;
use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use crate::bounds::{ENTRY_WEIGHT, VALUE_BYTES};
use crate::key::Key;
use crate::stamp::{Reign, Revision, Stamp};
use crate::state::{Holders, StoreId};

/// One change; each takes a revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Change {
    /// The key has this value from now on.
    Put {
        /// Its name.
        key: Key,
        /// Its value.
        value: Bytes,
    },
    /// The key is no more.
    Delete {
        /// Its name.
        key: Key,
    },
    /// This store counts from now on.
    Admit {
        /// Where it is.
        slot: Slot,
        /// Which one.
        store: StoreId,
    },
    /// The store there counts no longer.
    Dismiss {
        /// Where it is.
        slot: Slot,
    },
}

/// Changes that are made together, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Batch {
    /// Where a state must stand to take it.
    pub from: Stamp,
    /// Where it stands then.
    pub to: Stamp,
    /// In their order. None: the state only passes on to another leadership.
    pub changes: Vec<Change>,
}

impl Change {
    /// What of memory and network it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let bytes = match self {
            Self::Put { key, value } => key.as_str().len() + value.len(),
            Self::Delete { key } => key.as_str().len(),
            Self::Admit { .. } | Self::Dismiss { .. } => 0,
        };
        bytes + ENTRY_WEIGHT
    }

    /// Makes what of it concerns whose stores count.
    pub(crate) fn make_for(&self, holders: &mut Holders) {
        match self {
            Self::Admit { slot, store } => {
                holders.insert(*slot, *store);
            }
            Self::Dismiss { slot } => {
                holders.remove(slot);
            }
            Self::Put { .. } | Self::Delete { .. } => {}
        }
    }
}

impl Batch {
    /// What follows `from` by these changes, under the leadership that `to` is to have.
    #[must_use]
    pub fn new(from: Stamp, reign: Reign, changes: Vec<Change>) -> Self {
        let to = Stamp {
            reign,
            revision: from.revision + changes.len() as Revision,
        };
        Self { from, to, changes }
    }

    /// Whether it leads where it says, and holds nothing that a state has no room for. What comes from another node is
    /// looked at before it is taken.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_short = |change: &Change| match change {
            Change::Put { value, .. } => value.len() <= VALUE_BYTES,
            Change::Delete { .. } | Change::Admit { .. } | Change::Dismiss { .. } => true,
        };
        self.to > self.from
            && self
                .from
                .revision
                .checked_add(self.changes.len() as Revision)
                == Some(self.to.revision)
            && self.changes.iter().all(is_short)
    }

    /// What of memory and network it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        ENTRY_WEIGHT + self.changes.iter().map(Change::weight).sum::<usize>()
    }
}
