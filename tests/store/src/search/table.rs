//! What single nodes do, each step worked out once: a node knows nothing but its own state and what happens to it, and
//! few of its states make very many of three nodes.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use heartbeat_core::{Epoch, Instant, Slot};
use heartbeat_store::message::{Answer, Ask, Report, Standing};
use heartbeat_store::{Message, Reign, Stage, Stamp, StoreId, Trouble, WriteId};

use super::Scope;
use super::caught;
use super::known::{Heard, Known};
use crate::digest;
use crate::oracle::{Acknowledged, Violation};
use crate::seen::Seen;
use crate::world::{Envelope, World};

/// A node in one of its states, by its place in the table.
pub(super) type NodeId = u32;
/// A message, by its place in the table.
pub(super) type MessageId = u32;

/// Something that happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// It hears something.
    Hears(MessageId),
    /// The same, and its disk does not take what is to be written.
    HearsInVain(MessageId),
    /// Its disk has done what it was asked for.
    Written,
    /// Its disk has not.
    Fails,
    /// It becomes master, by its place in the scope.
    Leads(usize),
    /// A client writes, by the write's number.
    Writes(WriteId),
    /// It loses its power, and starts again.
    Restarts,
    /// The same, with another disk, by the store's number.
    Wiped(u64),
    /// Its connection to that node begins anew.
    Connects(Slot),
}

/// What comes of it.
#[derive(Debug)]
pub(super) struct Step {
    /// How the node is then.
    pub(super) node: NodeId,
    /// What it said.
    pub(super) sent: Vec<MessageId>,
    /// What it told clients is stored.
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) seen: Seen,
    pub(super) violation: Option<Violation>,
}

/// States of nodes, messages, and steps.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Slot>,
    electors: BTreeSet<Slot>,
    leaders: Vec<(Slot, Epoch)>,
    is_quick: bool,
    nodes: Vec<Rc<Known>>,
    nodes_by_digest: HashMap<u64, NodeId>,
    messages: Vec<Arc<Envelope>>,
    messages_by_digest: HashMap<u64, MessageId>,
    steps: HashMap<(NodeId, Event), Rc<Step>>,
}

impl Table {
    pub(super) fn new(scope: &Scope) -> Self {
        Self {
            slots: scope.start.nodes.keys().copied().collect(),
            electors: scope.start.electors.clone(),
            leaders: scope.leaders.clone(),
            is_quick: scope.is_quick,
            nodes: Vec::new(),
            nodes_by_digest: HashMap::new(),
            messages: Vec::new(),
            messages_by_digest: HashMap::new(),
            steps: HashMap::new(),
        }
    }

    /// The nodes as a scope begins.
    pub(super) fn first(&mut self, world: &World) -> Vec<NodeId> {
        let nodes = world.nodes.iter();
        nodes
            .map(|(slot, node)| {
                self.node_id(Known::new(
                    *slot,
                    Arc::clone(node),
                    Instant::ZERO,
                    Heard::new(),
                ))
            })
            .collect()
    }

    pub(super) fn slot(&self, place: usize) -> Slot {
        self.slots[place]
    }

    pub(super) fn place(&self, slot: Slot) -> usize {
        let at = self.slots.iter().position(|other| *other == slot);
        at.expect("a node there is")
    }

    pub(super) fn node(&self, id: NodeId) -> &Rc<Known> {
        &self.nodes[id as usize]
    }

    pub(super) fn message(&self, id: MessageId) -> &Arc<Envelope> {
        &self.messages[id as usize]
    }

    /// What comes of it when this happens to a node.
    pub(super) fn step(&mut self, node: NodeId, event: Event) -> Rc<Step> {
        if let Some(step) = self.steps.get(&(node, event)) {
            return Rc::clone(step);
        }
        let step = Rc::new(self.work_out(node, event));
        self.steps.insert((node, event), Rc::clone(&step));
        step
    }

    fn work_out(&mut self, id: NodeId, event: Event) -> Step {
        let known = Rc::clone(self.node(id));
        let (writes, made) = match event {
            Event::Writes(number) => (number - 1, 0),
            Event::Wiped(number) => (0, number - 1),
            _ => (0, 0),
        };
        let node = Arc::clone(&known.node);
        let mut world = World::of_one(known.slot, node, &self.electors, writes, made);
        let violation = caught(|| self.happens(&mut world, &known, event)).err();
        world.read(known.slot);
        let sent = std::mem::take(&mut world.net);
        let mut sent: Vec<MessageId> = sent.iter().map(|sent| self.message_id(sent)).collect();
        sent.sort_unstable();
        sent.dedup();
        let node = if violation.is_some() {
            id
        } else {
            let heard = match event {
                Event::Hears(message) => self.heard_with(&known, message),
                Event::Leads(_) | Event::Restarts | Event::Wiped(_) => Heard::new(),
                _ => known.heard.clone(),
            };
            let node = Arc::clone(&world.nodes[&known.slot]);
            self.node_id(Known::new(known.slot, node, world.now, heard))
        };
        Step {
            node,
            sent,
            acknowledged: world.oracle.acknowledged().to_vec(),
            seen: world.seen,
            violation,
        }
    }

    fn happens(&self, world: &mut World, known: &Known, event: Event) -> Result<(), Violation> {
        let slot = known.slot;
        world.now = known.now;
        match event {
            Event::Hears(message) | Event::HearsInVain(message) => {
                world.deliver(self.message(message))?;
            }
            Event::Written => world.written(slot)?,
            Event::Fails => world.fails(slot, Trouble::Full)?,
            Event::Leads(place) => {
                // A leadership is told by when it began: at whatever time that is here.
                world.now = Instant::ZERO;
                world.lead(slot, self.leaders[place].1)?;
                world.now = known.now;
            }
            Event::Writes(_) => world.write(slot)?,
            Event::Restarts => {
                world.crash(slot);
                world.start(slot);
            }
            Event::Wiped(_) => world.wipe(slot),
            Event::Connects(other) => world.connects(slot, other)?,
        }
        if matches!(event, Event::HearsInVain(_)) {
            world.fails(slot, Trouble::Full)?;
        }
        let hears = matches!(event, Event::Hears(_) | Event::HearsInVain(_));
        let is_at_once = hears && known.leads.is_none() && !known.is_busy();
        while (is_at_once || self.is_quick) && world.nodes[&slot].pending.is_some() {
            world.written(slot)?;
        }
        ask_again(world, slot)?;
        forget_what_is_over(world, slot);
        Ok(())
    }

    fn heard_with(&self, known: &Known, message: MessageId) -> Heard {
        let envelope = self.message(message);
        match &envelope.message {
            Message::Report(report) => known.heard_with(envelope.from, report),
            Message::Order(_) => known.heard.clone(),
        }
    }

    fn node_id(&mut self, known: Known) -> NodeId {
        let next = NodeId::try_from(self.nodes.len()).expect("fewer states of one node");
        let id = *self.nodes_by_digest.entry(known.digest).or_insert(next);
        if id == next {
            self.nodes.push(Rc::new(known));
        }
        id
    }

    fn message_id(&mut self, sent: &Envelope) -> MessageId {
        let sent = plain(sent);
        let next = MessageId::try_from(self.messages.len()).expect("fewer messages");
        let id = *self.messages_by_digest.entry(sent.digest).or_insert(next);
        if id == next {
            self.messages.push(Arc::new(sent));
        }
        id
    }
}

/// A leader asks again whoever owes it an answer, at any time: so at once. What it asks for stays on its way, and may
/// arrive as late as anybody likes. While its own disk is at work, or another node's state on its way, it only waits.
fn ask_again(world: &mut World, slot: Slot) -> Result<(), Violation> {
    let node = &world.nodes[&slot];
    let stage = node.store.as_ref().map(|store| store.status().stage);
    if node.leads().is_none() || node.pending.is_some() || stage == Some(Stage::Fetching) {
        return Ok(());
    }
    world.time_out(slot)
}

/// Who leads nothing does not remember what it led.
fn forget_what_is_over(world: &mut World, slot: Slot) {
    let node = world.node(slot);
    if node.leads().is_none() {
        node.reign = Reign::NONE;
        node.asked.clear();
    }
}

/// The same message without what decides nothing.
///
/// - All answers that tell a leader of a higher leadership end its own, whoever they come from: they are one.
/// - Why a disk did not take something is for people to see, and has an order sent again later and not at once, which is
///   the same here.
/// - Who has something of a leadership promised it long ago, and whatever else it says of that, that leadership has its
///   state by then.
/// - What others were seen to have is for disks that are set back. Here none is, and no note is above what its store says:
///   who first answers a leadership follows no other since it promised, so whatever was noted of it is in that answer.
fn plain(sent: &Envelope) -> Envelope {
    let mut sent = sent.clone();
    match &mut sent.message {
        Message::Order(order) => match &mut order.ask {
            Ask::Append { noted, .. } => noted.clear(),
            Ask::Replace { rest, .. } => rest.noted.clear(),
            Ask::Promise | Ask::Fetch { .. } | Ask::Part { .. } => {}
        },
        Message::Report(report) if report.standing.promised > report.reign => {
            sent.from = sent.to;
            *report = outranking(report.reign);
        }
        Message::Report(report) => {
            report.standing.trouble = None;
            if report.standing.stamp.reign == report.reign
                && let Answer::Promised { .. } = report.answer
            {
                report.answer = Answer::Stands;
            }
            match &mut report.answer {
                Answer::Promised { noted, .. } => noted.clear(),
                Answer::Part {
                    rest: Some(rest), ..
                } => rest.noted.clear(),
                Answer::Part { rest: None, .. }
                | Answer::Stands
                | Answer::Batches(_)
                | Answer::Replaced(_) => {}
            }
        }
    }
    sent.digest = digest::of(&(sent.from, sent.to, &sent.message));
    sent
}

/// An answer by which a leadership ends.
const fn outranking(reign: Reign) -> Report {
    Report {
        reign,
        standing: Standing {
            store: StoreId([0; 16]),
            promised: Reign {
                epoch: reign.epoch,
                began: u64::MAX,
            },
            stamp: Stamp::NONE,
            staged: None,
            trouble: None,
        },
        answer: Answer::Stands,
    }
}
