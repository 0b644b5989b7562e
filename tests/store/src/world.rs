//! Some nodes, their disks, and what is on the way between them. Every step is somebody else's choice: the search takes
//! all of them, a campaign draws them, a schedule writes them down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_store::bounds::VALUE_BYTES;
use heartbeat_store::message::{Answer, Ask};
use heartbeat_store::{
    Author, Batch, Change, DiskId, DiskWrite, Event, Expect, Key, Message, Outcome, Output, Reign,
    State, Store, StoreId, Stored, Trouble, Write, WriteId,
};

use crate::digest;
use crate::disk::Disk;
use crate::oracle::{Oracle, Stamps, Violation};
use crate::seen::Seen;

/// Some nodes, and what is on the way between them.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) nodes: BTreeMap<Slot, Arc<Node>>,
    /// What was sent and may still arrive.
    pub(crate) net: Vec<Arc<Envelope>>,
    pub(crate) electors: BTreeSet<Slot>,
    pub(crate) oracle: Oracle,
    /// Which state had which stamp; only where all that was seen is to be remembered.
    pub(crate) stamps: Option<Stamps>,
    /// What every clock says.
    pub now: Instant,
    /// Writes that were asked for so far; each has a key of its own.
    pub(crate) writes: WriteId,
    /// Stores that were made so far.
    made: u64,
    /// What happened.
    pub seen: Seen,
}

/// A machine: its disk, and its daemon while that runs.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Node {
    pub(crate) store: Option<Store>,
    pub(crate) disk: Disk,
    /// What its disk is asked to write.
    pub(crate) pending: Option<(DiskId, DiskWrite)>,
    /// The leadership that it began last.
    pub(crate) reign: Reign,
    /// What a client is told about is what it wrote: keys by number.
    asked: BTreeMap<WriteId, Key>,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Envelope {
    pub(crate) from: Slot,
    pub(crate) to: Slot,
    pub(crate) message: Message,
    pub(crate) digest: u64,
}

impl Node {
    /// The leadership that goes on here.
    pub(crate) fn leads(&self) -> Option<Reign> {
        self.store.as_ref().and_then(Store::leads)
    }
}

impl Envelope {
    pub(crate) const fn is_order(&self) -> bool {
        matches!(self.message, Message::Order(_))
    }

    /// Whether entries of a state are in it.
    pub(crate) fn is_long(&self) -> bool {
        match &self.message {
            Message::Order(order) => matches!(order.ask, Ask::Part { .. }),
            Message::Report(report) => matches!(report.answer, Answer::Part { .. }),
        }
    }
}

impl World {
    /// Nodes whose stores are new.
    #[must_use]
    pub fn new(slots: &[Slot]) -> Self {
        let mut world = Self {
            nodes: BTreeMap::new(),
            net: Vec::new(),
            electors: slots.iter().copied().collect(),
            oracle: Oracle::default(),
            stamps: None,
            now: Instant::ZERO,
            writes: 0,
            made: 0,
            seen: Seen::default(),
        };
        for slot in slots {
            world.join(*slot);
        }
        world
    }

    /// Nodes that all hold what was formed under an epoch of round 1.
    #[must_use]
    pub fn formed(slots: &[Slot]) -> Self {
        let mut world = Self::new(slots);
        let stores = world.nodes.iter();
        let admit = |(slot, node): (&Slot, &Arc<Node>)| Change::Admit {
            slot: *slot,
            store: node.disk.stored.store,
        };
        let reign = Reign::new(Epoch::new(1, 1), Instant::ZERO);
        let formed = Batch::new(Default::default(), reign, stores.map(admit).collect());
        for (slot, node) in &mut world.nodes {
            let node = Arc::make_mut(node);
            let mut stored = node.disk.stored.clone();
            stored.state.apply(&formed);
            stored.promised = reign;
            node.disk = Disk::new(stored.clone());
            node.store = Some(Store::new(*slot, stored));
        }
        world
    }

    /// Another node, whose store is new.
    pub fn join(&mut self, slot: Slot) {
        self.made += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.made.to_be_bytes());
        let stored = Stored::new(StoreId(id));
        let node = Node {
            store: Some(Store::new(slot, stored.clone())),
            disk: Disk::new(stored),
            pending: None,
            reign: Reign::NONE,
            asked: BTreeMap::new(),
        };
        self.nodes.insert(slot, Arc::new(node));
    }

    /// A node becomes master under this epoch.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn lead(&mut self, slot: Slot, epoch: Epoch) -> Result<(), Violation> {
        let (electors, now) = (self.electors.clone(), self.now);
        self.node(slot).reign = Reign::new(epoch, now);
        self.with(slot, |store| store.lead(epoch, electors, now))
    }

    /// A node is master no longer.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn stop(&mut self, slot: Slot) -> Result<(), Violation> {
        self.with(slot, Store::stop)
    }

    /// A client has a node write a key of its own.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn write(&mut self, slot: Slot) -> Result<(), Violation> {
        let value = format!("value {}", self.writes + 1);
        self.write_value(slot, value.into())
    }

    /// The same, with a value of which no two fit one message.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn write_long(&mut self, slot: Slot) -> Result<(), Violation> {
        self.write_value(slot, Bytes::from_static(&[7; VALUE_BYTES]))
    }

    fn write_value(&mut self, slot: Slot, value: Bytes) -> Result<(), Violation> {
        self.writes += 1;
        let (id, now) = (self.writes, self.now);
        let key = Key::new(&format!("key {id}")).expect("a short key");
        self.node(slot).asked.insert(id, key.clone());
        let write = Write {
            author: Author::User,
            key,
            value: Some(value),
            expect: Expect::Nothing,
        };
        self.with(slot, |store| store.write(id, write, now))
    }

    /// A message arrives, if its addressee runs.
    ///
    /// # Errors
    /// What must never happen did.
    pub(crate) fn deliver(&mut self, envelope: &Envelope) -> Result<(), Violation> {
        let now = self.now;
        let message = envelope.message.clone();
        self.with(envelope.to, |store| {
            store.handle(envelope.from, message, now);
        })
    }

    /// A disk has done what it was asked for.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn written(&mut self, slot: Slot) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(slot);
        let Some((id, write)) = node.pending.take() else {
            return Ok(());
        };
        let (promised, from) = (node.disk.stored.promised, node.disk.stored.state.stamp);
        node.disk.write(write);
        let to = node.disk.stored.state.stamp;
        if node.disk.stored.promised < promised {
            return Err(Violation::PromiseFell { slot });
        }
        if to < from {
            return Err(Violation::Fell { slot, from, to });
        }
        self.with(slot, |store| store.written(id, now))?;
        self.judge_disk(slot)
    }

    /// A disk has not done what it was asked for.
    ///
    /// # Errors
    /// What must never happen did.
    pub fn fails(&mut self, slot: Slot, trouble: Trouble) -> Result<(), Violation> {
        let now = self.now;
        match self.node(slot).pending.take() {
            Some((id, _)) => {
                self.seen.failed += 1;
                self.with(slot, |store| store.failed(id, trouble, now))
            }
            None => Ok(()),
        }
    }

    /// A node loses its power: what its disk did not finish is lost.
    pub fn crash(&mut self, slot: Slot) {
        let node = self.node(slot);
        node.store = None;
        node.pending = None;
        node.asked.clear();
    }

    /// A node starts again with what is on its disk.
    pub fn start(&mut self, slot: Slot) {
        let node = self.node(slot);
        node.disk = Disk::new(node.disk.stored.clone());
        node.store = Some(Store::new(slot, node.disk.stored.clone()));
    }

    /// A node starts again with another disk.
    pub fn wipe(&mut self, slot: Slot) {
        self.seen.wiped += 1;
        self.join(slot);
    }

    /// What a node serves.
    #[must_use]
    pub fn served(&self, slot: Slot) -> Option<&State> {
        self.nodes.get(&slot)?.store.as_ref()?.served()
    }

    /// A node's store, while its daemon runs.
    #[must_use]
    pub fn store(&self, slot: Slot) -> Option<&Store> {
        self.nodes.get(&slot)?.store.as_ref()
    }

    /// Writes that were acknowledged.
    #[must_use]
    pub const fn acknowledged(&self) -> usize {
        self.oracle.count()
    }

    /// The copies that clients were told of, in the order in which their writes were acknowledged.
    #[must_use]
    pub fn copies(&self) -> Vec<usize> {
        self.oracle.copies()
    }

    pub(crate) fn node(&mut self, slot: Slot) -> &mut Node {
        Arc::make_mut(self.nodes.get_mut(&slot).expect("a node there is"))
    }

    /// Has a running store do something, takes what comes out of it, and looks at what is.
    pub(crate) fn with(
        &mut self,
        slot: Slot,
        act: impl FnOnce(&mut Store),
    ) -> Result<(), Violation> {
        let node = self.node(slot);
        let Some(mut store) = node.store.take() else {
            return Ok(());
        };
        act(&mut store);
        let mut is_told = false;
        while let Some(output) = store.poll_output() {
            is_told |= matches!(
                output,
                Output::Event(Event::Serves { .. }) | Output::Outcome { .. }
            );
            self.carry_out(slot, output);
        }
        self.node(slot).store = Some(store);
        if is_told { self.judge(slot) } else { Ok(()) }
    }

    fn carry_out(&mut self, slot: Slot, output: Output) {
        match output {
            Output::Send { to, message } => self.send(slot, to, message),
            Output::Disk { id, write } => {
                let before = self.node(slot).pending.replace((id, write));
                assert!(before.is_none(), "one write at a time is on its way");
            }
            Output::Outcome { id, outcome } => self.tell_client(slot, id, &outcome),
            Output::Event(event) => self.note(&event),
        }
    }

    fn send(&mut self, from: Slot, to: Slot, message: Message) {
        let digest = digest::of(&(from, to, &message));
        if self.net.iter().all(|other| other.digest != digest) {
            self.net.push(Arc::new(Envelope {
                from,
                to,
                message,
                digest,
            }));
        }
    }

    fn tell_client(&mut self, slot: Slot, id: WriteId, outcome: &Outcome) {
        let node = self.node(slot);
        let reign = node.reign;
        let key = node.asked.remove(&id);
        match outcome {
            Outcome::Done { revision, copies } => {
                self.seen.acknowledged += 1;
                let key = key.expect("it was asked for once");
                self.oracle.acknowledge(key, *revision, reign, *copies);
            }
            Outcome::Unknown => self.seen.unknown += 1,
            Outcome::Conflict { .. } => panic!("each key is written once"),
            Outcome::Refused(_) => self.seen.refused += 1,
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Serves { .. } => self.seen.serves += 1,
            Event::Outranked { .. } => self.seen.outranked += 1,
            Event::GaveWay { .. } => self.seen.gave_way += 1,
            Event::Replaced { .. } => self.seen.replaced += 1,
            Event::SetBack { .. } => self.seen.set_back += 1,
        }
    }

    /// What is served has all that was acknowledged before, and is what others have under its stamp.
    fn judge(&mut self, slot: Slot) -> Result<(), Violation> {
        for (server, node) in &self.nodes {
            if let Some(served) = node.store.as_ref().and_then(Store::served) {
                self.oracle.judge(*server, node.reign, served)?;
            }
        }
        let node = Arc::clone(&self.nodes[&slot]);
        match node.store.as_ref().and_then(Store::served) {
            Some(served) => self.judge_stamp(slot, served),
            None => Ok(()),
        }
    }

    /// What is on a disk is what its store thinks, and what others have under its stamp.
    fn judge_disk(&mut self, slot: Slot) -> Result<(), Violation> {
        let node = Arc::clone(&self.nodes[&slot]);
        let stored = &node.disk.stored;
        if node
            .store
            .as_ref()
            .is_some_and(|store| store.stored() != stored)
        {
            return Err(Violation::UnlikeDisk { slot });
        }
        self.judge_stamp(slot, &stored.state)
    }

    /// One state a stamp: among all that was seen, or else among what is there.
    fn judge_stamp(&mut self, slot: Slot, state: &State) -> Result<(), Violation> {
        if let Some(stamps) = &mut self.stamps {
            return stamps.judge(slot, state.stamp, digest::of_state(state));
        }
        let others = self.nodes.values().map(|other| &other.disk.stored.state);
        let mut same = others.filter(|other| other.stamp == state.stamp);
        if same.any(|other| other != state) {
            return Err(Violation::TwoStates {
                stamp: state.stamp,
                slot,
            });
        }
        Ok(())
    }
}
