//! A node's part in the dynamic information: its store, and its leadership while it is master.

use std::collections::{BTreeSet, VecDeque};

use heartbeat_core::{Epoch, Instant, Slot};

use crate::change::Change;
use crate::disk::{DiskId, Stored, Trouble};
use crate::key::Key;
use crate::leader::Leader;
use crate::message::Message;
use crate::output::Output;
use crate::recent::Compacted;
use crate::replica::Replica;
use crate::stamp::{Reign, Revision, Stamp};
use crate::state::{Entry, State};
use crate::status::{Stage, Status};
use crate::write::{Outcome, Refusal, Write, WriteId};

/// A node's part in the dynamic information.
///
/// Times are only arguments; what is to be sent, written to the disk and told to clients comes out of
/// [`poll_output`](Self::poll_output), in the order in which it must be done.
#[derive(Clone, Debug, Hash)]
pub struct Store {
    slot: Slot,
    replica: Replica,
    leader: Option<Leader>,
    outputs: VecDeque<Output>,
}

impl Store {
    /// The store of this slot, as it was last on its disk.
    #[must_use]
    pub fn new(slot: Slot, stored: Stored) -> Self {
        Self {
            slot,
            replica: Replica::new(slot, stored),
            leader: None,
            outputs: VecDeque::new(),
        }
    }

    /// This node is master under `epoch`, and leads. `electors`: whose stores are to count.
    ///
    /// A leadership before it ends. No two leaderships may have the same epoch and time.
    pub fn lead(&mut self, epoch: Epoch, electors: BTreeSet<Slot>, now: Instant) {
        self.stop();
        let reign = Reign::new(epoch, now);
        self.leader = Some(Leader::new(self.slot, reign, electors));
        self.advance(now);
    }

    /// This node is master no longer.
    pub fn stop(&mut self) {
        if let Some(mut leader) = self.leader.take() {
            leader.end(&mut self.outputs);
        }
    }

    /// The electors are others now.
    pub fn set_electors(&mut self, electors: BTreeSet<Slot>, now: Instant) {
        if let Some(leader) = &mut self.leader {
            leader.set_electors(electors);
            self.advance(now);
        }
    }

    /// In a pair: whether the other node is silent, by the election's evidence, so that this one's disk is enough.
    pub fn set_alone(&mut self, is_alone: bool, now: Instant) {
        if let Some(leader) = &mut self.leader {
            leader.set_alone(is_alone);
            self.advance(now);
        }
    }

    /// An operator says that the stores which have not answered are gone for good, or never held anything: this leadership
    /// goes on with those that have. What only the others have is lost.
    pub fn force(&mut self, now: Instant) {
        if let Some(leader) = &mut self.leader {
            leader.force();
            self.advance(now);
        }
    }

    /// A message from another node. Whose it is was made sure of before.
    pub fn handle(&mut self, from: Slot, message: Message, now: Instant) {
        self.take(from, message);
        self.advance(now);
    }

    /// A connection to that node begins: what was sent before may be lost.
    pub fn connected(&mut self, to: Slot, now: Instant) {
        if let Some(leader) = &mut self.leader {
            leader.connected(to);
            self.advance(now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.leader.as_ref().and_then(Leader::poll_timeout)
    }

    /// It is so late.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(leader) = &mut self.leader {
            leader.handle_timeout(now);
            self.advance(now);
        }
    }

    /// A write is on the disk, and stays there whatever happens.
    pub fn written(&mut self, id: DiskId, now: Instant) {
        self.replica.written(id, &mut self.outputs);
        self.advance(now);
    }

    /// A write is not on the disk, nor will be. Where that cannot be known, the store must be made anew from its disk.
    pub fn failed(&mut self, id: DiskId, trouble: Trouble, now: Instant) {
        self.replica.failed(id, trouble, &mut self.outputs);
        self.advance(now);
    }

    /// A client wants this written; what becomes of it comes out as [`Output::Outcome`].
    pub fn write(&mut self, id: WriteId, write: Write, now: Instant) {
        let spread = self.leader.as_mut().and_then(Leader::spread_mut);
        let queued = match spread {
            Some(spread) => spread.queue(id, write),
            None => Err(Refusal::NotServing),
        };
        if let Err(refusal) = queued {
            let outcome = Outcome::Refused(refusal);
            self.outputs.push_back(Output::Outcome { id, outcome });
        }
        self.advance(now);
    }

    /// The leadership that goes on here, whether it serves or not.
    #[must_use]
    pub fn leads(&self) -> Option<Reign> {
        self.leader.as_ref().and_then(Leader::goes_on)
    }

    /// What is stored: all of it was acknowledged, or could have been. `None` unless this node serves.
    ///
    /// Nobody else serves anything newer while this node's lease holds: look at that after reading.
    #[must_use]
    pub fn served(&self) -> Option<&State> {
        self.leader.as_ref()?.spread()?.served()
    }

    /// The entries whose keys begin with `prefix`, behind `after`. `None` unless this node serves.
    #[must_use]
    pub fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Key>,
    ) -> Option<impl Iterator<Item = (&'a Key, &'a Entry)>> {
        Some(self.served()?.list(prefix, after))
    }

    /// The changes of what is stored that follow a revision, each with its stamp. `None` unless this node serves.
    #[must_use]
    pub fn changes_since(
        &self,
        revision: Revision,
    ) -> Option<Result<impl Iterator<Item = (Stamp, &Change)>, Compacted>> {
        let spread = self.leader.as_ref()?.spread()?;
        let until = spread.served()?.stamp.revision;
        Some(spread.recent().changes(revision, until))
    }

    /// What this node has on its disk, acknowledged or not.
    #[must_use]
    pub const fn stored(&self) -> &Stored {
        self.replica.stored()
    }

    /// Number of the newest change on this node's disk, from 1; 0 where that is no disk to go on from.
    #[must_use]
    pub fn version(&self) -> Revision {
        if self.replica.is_set_back() || self.replica.trouble().is_some() {
            0
        } else {
            self.replica.stored().state.stamp.revision
        }
    }

    /// What is to be shown.
    #[must_use]
    pub fn status(&self) -> Status {
        let stored = self.replica.stored();
        let leading = self.leader.as_ref().and_then(Leader::shown);
        let stage = if self.replica.is_set_back() {
            Stage::SetBack
        } else {
            leading.unwrap_or(Stage::Following)
        };
        Status {
            stage,
            store: stored.store,
            stamp: stored.state.stamp,
            entries: stored.state.entries().len(),
            bytes: stored.state.bytes(),
            trouble: self.replica.trouble(),
            served: self.served().map(|state| state.stamp),
            stores: self.leader.as_ref().map(Leader::stores).unwrap_or_default(),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn take(&mut self, from: Slot, message: Message) {
        match (message, &mut self.leader) {
            (Message::Order(order), _) => self.replica.handle(from, order, &mut self.outputs),
            (Message::Report(report), Some(leader)) => {
                leader.handle(from, report, &self.replica, &mut self.outputs);
            }
            (Message::Report(_), None) => {}
        }
    }

    /// Has the leadership go on, and this node hear what it says to itself.
    fn advance(&mut self, now: Instant) {
        loop {
            if let Some(leader) = &mut self.leader {
                leader.advance(&self.replica, now, &mut self.outputs);
            }
            let own = self.slot;
            let to_itself =
                |output: &Output| matches!(output, Output::Send { to, .. } if *to == own);
            let Some(at) = self.outputs.iter().position(to_itself) else {
                return;
            };
            if let Some(Output::Send { message, .. }) = self.outputs.remove(at) {
                self.take(own, message);
            }
        }
    }
}
