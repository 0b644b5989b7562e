//! What the pulse tells the scribe, without ever waiting for it.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use heartbeat_core::message::Network;
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::pair::PairRecord;
use heartbeat_core::snapshot::{Alarm, Guarantee, Reason, Role};
use heartbeat_core::{ElectorRecord, Epoch, Instant, Slot};

use super::{Asked, Pulse, Retired, Stamps};
use crate::datapath::DatapathError;
use crate::hands::{NotSent, Report};
use crate::net::datagrams::Dropped;

/// Notes that the scribe has not written yet. One mastership makes about ten; a thousand is minutes of
/// the wildest flapping. More are dropped and counted, since the pulse never waits.
pub const NOTES_DEPTH: usize = 1024;

/// What the pulse tells the scribe: something to log, to keep in the history, or to save.
#[derive(Debug)]
pub enum Note {
    /// The node changed its role.
    RoleChanged {
        /// The role left.
        from: Role,
        /// The role taken.
        to: Role,
        /// Why.
        reason: Reason,
        /// The epoch concerned.
        epoch: Epoch,
        /// How long the role left had lasted.
        lasted: Duration,
    },
    /// A mastership began: when each of its steps was done.
    TookOver(Epoch, Stamps),
    /// For the first time in this mastership another member saw this node answer for every address, at this
    /// time of CLOCK_BOOTTIME in nanoseconds.
    Verified(Epoch, u64),
    /// An alarm is raised or cleared.
    Alarm(Alarm, bool),
    /// Another promise keeps a second master away.
    Guarantee(Guarantee),
    /// In a pair: what this node was at that time, to be saved.
    Pair(PairRecord, Instant),
    /// In a pair: the fence command is to be run against this member, under this id.
    Fence(u64, Slot),
    /// The highest epoch this node stood in, to be saved as a floor.
    Floor(Epoch),
    /// What is to be saved of the electors' sets; the pulse waits to be told that it is.
    Electors(Box<ElectorRecord>),
    /// The kernel was not told which sets it grants by.
    SetsFailed(DatapathError),
    /// This node bears the addresses of this slot from now on: its own by a lease, another's as master.
    SlotHeld(Slot),
    /// It ceased to: its lease is over, or they were given back.
    SlotDropped(Slot),
    /// What the hands report about addresses and links.
    Hands(Report),
    /// The configuration is to be read anew, and whoever asked, if somebody did, to be answered.
    Reload(Option<Asked>),
    /// The hands have ended; the daemon stops.
    HandsEnded,
    /// The hands did not take an order.
    HandsBehind(NotSent),
    /// Sending failed; told once until it works again.
    SendFailed(String),
    /// A control datagram was dropped; told at most once a second.
    Dropped(Network, SocketAddr, Dropped),
    /// The answers could not be read from the maps.
    ReadFailed(io::Error),
    /// Sending works again.
    SendWorks,
    /// Sockets to be closed.
    Retired(Retired),
    /// So many notes were lost because the scribe did not keep up.
    Lost(u64),
    /// What became of a signal's order, which nobody waits for.
    Answered(Result<OrderDone, OrderError>),
    /// The stop or restart that was ordered is complete.
    Ended(Ending),
}

/// How the pulse ended, which says what is to become of what hangs on the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Mastership was handed over: everything is to be detached.
    Stop,
    /// Everything stays as it is for the next process.
    Restart,
}

/// The scribe's end of the notes.
pub type Notes = Receiver<Note>;

impl Pulse {
    pub(super) fn note(&mut self, note: Note) {
        if self.notes_lost > 0
            && self
                .parts
                .notes
                .try_send(Note::Lost(self.notes_lost))
                .is_ok()
        {
            self.notes_lost = 0;
        }
        if self.parts.notes.try_send(note).is_err() {
            self.notes_lost += 1;
        }
    }
}
