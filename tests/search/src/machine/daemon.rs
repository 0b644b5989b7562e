//! A running daemon: its node, and what it has still to do.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use heartbeat_core::config::Config;
use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, ElectorRecord, ElectorSet, Epoch, Event, Instant, Node};

use crate::packet::Packet;

/// What a daemon is woken for.
#[derive(Clone, Debug, Hash)]
pub(crate) enum Wake {
    Turn,
    Answers,
    /// The oldest thing that the kernel told.
    Ring,
    Message(Arc<Packet>),
    Timeout,
    Order(Order),
    /// A reload, to these times.
    Retime(Box<Config>),
    /// The oldest record on its way to the disk is there.
    Saved,
    /// A reference answered this question.
    Reference(u64),
    /// This run of the fence command has ended, as told.
    Fenced(u64, bool),
}

/// What a daemon has still to do of a wake-up, besides the node's commands.
#[derive(Clone, Debug, Hash)]
pub(super) enum Todo {
    /// The words were handed in; now what it was woken for.
    Take(Wake, Instant),
    /// The clock was read; the promise is to be raised.
    Raise(Epoch, Instant),
    /// It is raised; the words are to be read behind it.
    Read(Epoch, Instant),
    /// A command that others can see.
    Carry(Command),
}

/// What numbers by chance begin with after each event: any is as good as another, as long as no state depends on how
/// many were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seeds {
    /// The same ones again.
    Same,
    /// The time: a pair goes by which of its questions is answered.
    ByTime,
}

/// A tick that stands in no fingerprint of its own: what matters is how long ago it was, and that has a limit.
#[derive(Clone, Copy, Debug)]
struct Tick(u32);

impl Hash for Tick {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A running daemon.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Daemon {
    pub(super) node: Node,
    /// What is next stands last.
    pub(super) todo: Vec<Todo>,
    pub(super) next_turn: Instant,
    pub(super) answers_at: Option<Instant>,
    /// The tick at which it was last through with a wake-up.
    idle_since: Tick,
    pub(super) writes: VecDeque<ElectorRecord>,
    /// The set that its questions name.
    pub(super) asks_by: ElectorSet,
    /// A reload gave it the longest lease.
    pub(super) is_long: bool,
    seeds: Seeds,
    /// The last seed.
    seed: u64,
}

impl Daemon {
    pub(super) fn new(
        node: Node,
        now: Instant,
        at: u32,
        asks_by: ElectorSet,
        seeds: Seeds,
    ) -> Self {
        let mut daemon = Self {
            node,
            todo: Vec::new(),
            next_turn: now,
            answers_at: None,
            idle_since: Tick(at),
            writes: VecDeque::new(),
            asks_by,
            is_long: false,
            seeds,
            seed: 0,
        };
        daemon.reseed(now);
        daemon
    }

    fn reseed(&mut self, now: Instant) {
        let seed = match self.seeds {
            Seeds::Same => 1,
            Seeds::ByTime if self.seed == now.0 => return,
            Seeds::ByTime => now.0,
        };
        self.seed = seed;
        self.node.reseed(seed);
    }

    pub(super) const fn is_held(&self) -> bool {
        !self.todo.is_empty()
    }

    pub(super) const fn idle_since(&self) -> u32 {
        self.idle_since.0
    }

    pub(super) const fn rest(&mut self, at: u32) {
        self.idle_since = Tick(at);
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.node.poll_timeout()
    }

    pub(super) fn role(&self) -> Role {
        self.node.snapshot(Instant::ZERO).role
    }

    pub(super) fn handle(&mut self, event: Event<'_>, now: Instant) {
        self.node.handle(event, now);
        self.reseed(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.node.handle_timeout(now);
        self.reseed(now);
    }

    /// What it could be woken for by `now`: what its kernel told comes before everything but the turn and its answers.
    pub(super) fn wakes(
        &self,
        now: Instant,
        has_turns: bool,
        has_rung: bool,
    ) -> impl Iterator<Item = Wake> + use<> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let is_turn = self.next_turn <= now && has_turns;
        [
            is_turn.then_some(Wake::Turn),
            (!is_turn && is_due(self.answers_at)).then_some(Wake::Answers),
            has_rung.then_some(Wake::Ring),
            (!has_rung && is_due(self.node.poll_timeout())).then_some(Wake::Timeout),
            (!has_rung && !self.writes.is_empty()).then_some(Wake::Saved),
        ]
        .into_iter()
        .flatten()
    }
}
