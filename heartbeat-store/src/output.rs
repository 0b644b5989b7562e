//! What a store wants done, in this order.

use heartbeat_core::Slot;

use crate::difference::Difference;
use crate::disk::{DiskId, DiskWrite};
use crate::message::Message;
use crate::stamp::{Reign, Stamp};
use crate::state::State;
use crate::write::{Outcome, WriteId};

/// What a store wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// To be sent. It may be lost.
    Send {
        /// To which node.
        to: Slot,
        /// What.
        message: Message,
    },
    /// To be written, and reported by [`crate::Store::written`] or [`crate::Store::failed`]. One at a time is on its way.
    Disk {
        /// Its number.
        id: DiskId,
        /// What.
        write: DiskWrite,
    },
    /// What became of a client's write.
    Outcome {
        /// The client's number of it.
        id: WriteId,
        /// What became of it.
        outcome: Outcome,
    },
    /// Something that people should know.
    Event(Event),
}

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// This node's leadership serves.
    Serves {
        /// The state that a majority has.
        stamp: Stamp,
    },
    /// This node's leadership is over: a store promised a higher one.
    Outranked {
        /// The higher one.
        by: Reign,
    },
    /// A store's state, unlike the leader's, gave way to it.
    Replaced {
        /// Where the store is.
        slot: Slot,
        /// How they differed.
        difference: Difference,
    },
    /// This node's own state gave way: it is to be kept as a backup.
    GaveWay {
        /// The state that is no more.
        old: State,
        /// How it differed.
        difference: Difference,
    },
    /// This node's store has less than it was seen to have: its disk was set back. It takes part in nothing more; it is to
    /// be put aside, and a new store made.
    SetBack {
        /// What it has.
        has: Stamp,
        /// What it was seen to have.
        had: Stamp,
    },
}
