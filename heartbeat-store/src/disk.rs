//! What must be on a disk, and what comes back from it.

use std::collections::BTreeMap;

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use crate::change::Batch;
use crate::key::Key;
use crate::lineage::Lineage;
use crate::stamp::{Reign, Stamp};
use crate::state::{Entry, Holders, State, StoreId};

/// What a store was seen to have on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Which store.
    pub store: StoreId,
    /// Where it stood, at least.
    pub stamp: Stamp,
}

/// What others were seen to have, by slot: so that a store that was set back to an older state is known for it.
pub type Notes = BTreeMap<Slot, Note>;

/// Number of a write to the disk, from 1.
pub type DiskId = u64;

/// Everything that a store keeps on its disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Which store it is.
    pub store: StoreId,
    /// The leadership below which nothing is accepted.
    pub promised: Reign,
    /// The state.
    pub state: State,
    /// What others were seen to have.
    pub noted: Notes,
}

/// A write to the disk: whole or not at all, and lasting, before it is reported as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DiskWrite {
    /// `promised` is this from now on.
    Promise(Reign),
    /// The state's stamp, entries, holders and lineage are as after these batches ([`State::apply`]), `noted` is this.
    Batches {
        /// One follows the other, and the first what is stored.
        batches: Vec<Batch>,
        /// What others were seen to have.
        noted: Notes,
    },
    /// A part of a state that comes, to be laid *beside* the one that is stored. It need not last a crash.
    Part {
        /// What was laid aside before is thrown away first.
        is_first: bool,
        /// In the order of keys, behind those of the part before.
        entries: Vec<(Key, Entry)>,
    },
    /// What was laid aside takes the place of the stored entries, and the rest is as follows.
    Replace(Rest),
}

/// What a state is beside its entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rest {
    /// Where it stands.
    pub stamp: Stamp,
    /// Whose stores count.
    pub holders: Holders,
    /// The leaderships that it came through.
    pub lineage: Lineage,
    /// What others were seen to have.
    pub noted: Notes,
}

/// Why a write is not on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trouble {
    /// There is no room.
    Full,
    /// It does not take writes.
    Broken,
}

impl Stored {
    /// A new store.
    #[must_use]
    pub fn new(store: StoreId) -> Self {
        Self {
            store,
            promised: Reign::NONE,
            state: State::default(),
            noted: Notes::new(),
        }
    }
}

impl Trouble {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Broken => "broken",
        }
    }
}
