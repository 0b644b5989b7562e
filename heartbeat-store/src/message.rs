//! What a leader and the stores say to each other. Every message may be lost, late, repeated or out of order.

use serde::{Deserialize, Serialize};

use crate::change::Batch;
use crate::difference::Difference;
use crate::disk::{Notes, Rest, Trouble};
use crate::key::Key;
use crate::stamp::{Reign, Stamp};
use crate::state::{Entry, Holders, StoreId};

/// A message of one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {
    /// Of a leader.
    Order(Order),
    /// Of a store, to a leader.
    Report(Report),
}

/// What a leader wants of a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The leadership in whose name.
    pub reign: Reign,
    /// What.
    pub ask: Ask,
}

/// What a leader wants of a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ask {
    /// To accept nothing lower from now on.
    Promise,
    /// To show what it has: the batches that follow `since`, or else its entries behind `after`.
    Fetch {
        /// Where its state must stand.
        at: Stamp,
        /// Where the asker's own state stands.
        since: Stamp,
        /// The last key of the part before.
        after: Option<Key>,
    },
    /// To take these batches, of which one follows the other.
    Append {
        /// At most [`crate::bounds::BATCH_WEIGHT`], or one.
        batches: Vec<Batch>,
        /// What others were seen to have.
        noted: Notes,
    },
    /// To take a part of a whole state.
    Part {
        /// Which state.
        at: Stamp,
        /// The last key of the part before; `None` with the first.
        after: Option<Key>,
        /// The entries behind it, at most [`crate::bounds::BATCH_WEIGHT`], or one.
        entries: Vec<(Key, Entry)>,
    },
    /// To put the state whose parts have come in the place of its own.
    Replace {
        /// The last key of all; `None` if there is no entry.
        last: Option<Key>,
        /// What the state is beside its entries.
        rest: Rest,
    },
}

/// What a store says to a leader. Nothing of it is said before it is on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Report {
    /// The leadership that asked.
    pub reign: Reign,
    /// Where the store stands.
    pub standing: Standing,
    /// What it was asked for.
    pub answer: Answer,
}

/// Where a store stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// Which store.
    pub store: StoreId,
    /// The leadership below which it accepts nothing.
    pub promised: Reign,
    /// Where its state stands.
    pub stamp: Stamp,
    /// What of another state is laid aside.
    pub staged: Option<Staged>,
    /// Why its disk did not take what it was asked to write.
    pub trouble: Option<Trouble>,
}

/// How much of a state has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Staged {
    /// Which state.
    pub at: Stamp,
    /// The last key that has come; `None` when a part had no entry.
    pub after: Option<Key>,
}

/// What a store was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing but where it stands.
    Stands,
    /// It promised, and its state is one in which these count.
    Promised {
        /// Whose stores count.
        holders: Holders,
        /// What others were seen to have.
        noted: Notes,
    },
    /// The batches that lead from `since` to where it stands.
    Batches(Vec<Batch>),
    /// A part of its state.
    Part {
        /// The last key of the part before.
        after: Option<Key>,
        /// The entries behind it.
        entries: Vec<(Key, Entry)>,
        /// With the last part.
        rest: Option<Rest>,
    },
    /// A whole state took the place of its own, which was unlike it.
    Replaced(Difference),
}
