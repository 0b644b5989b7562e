//! Some nodes, their disks, and what is on the way between them. Every step is somebody else's choice: the search takes
//! all of them, a campaign draws them, a schedule writes them down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_store::bounds::VALUE_BYTES;
use heartbeat_store::message::{Answer, Ask};
use heartbeat_store::{
    Author, Batch, Change, DiskId, DiskWrite, Event, Expect, Key, Message, Output, Reign, State,
    Store, StoreId, Stored, Trouble, Write, WriteId,
};

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
    pub(crate) made: u64,
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
    pub(crate) asked: BTreeMap<WriteId, Key>,
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

    /// One of some nodes for itself: so many writes were asked for, and so many stores made, by all of them.
    pub(crate) fn of_one(
        slot: Slot,
        node: Arc<Node>,
        electors: &BTreeSet<Slot>,
        writes: WriteId,
        made: u64,
    ) -> Self {
        Self {
            nodes: [(slot, node)].into(),
            electors: electors.clone(),
            writes,
            made,
            ..Self::new(&[])
        }
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

    /// Clients read all that a node serves: what they were told is there is as good as acknowledged.
    pub(crate) fn read(&mut self, slot: Slot) {
        let reign = self.nodes[&slot].reign;
        let Some(served) = self.served(slot) else {
            return;
        };
        let entries = served.entries().iter();
        let read: Vec<_> = entries
            .map(|(key, entry)| (key.clone(), entry.changed.revision))
            .collect();
        for (key, revision) in read {
            self.oracle.acknowledge(key, revision, reign, 0);
        }
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
}
