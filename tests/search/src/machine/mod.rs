//! One node: its kernel, its disk, and its daemon with the driver's habits, stopped anywhere in between.

mod carry;
mod daemon;
mod disk;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use heartbeat_core::event::Restored;
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_core::{ElectorRecord, Epoch, Instant, Node, Slot};
use heartbeat_kernel_twin::{Kernel, Members, Ring};
use heartbeat_wire::maps::{self, Sent};

use crate::on_the_way::OnTheWay;
use crate::packet::Packet;
use crate::processors::Processors;
use crate::relative::{first_number, first_time};
use crate::scope::{Rate, Scope};
pub(crate) use daemon::Wake;
use daemon::{Daemon, Seeds};
use disk::SavedPair;

/// What a kernel tells its daemon at most, before that looks: more is lost, as it is where the ring is full.
const MOST_RINGS: usize = 4;

/// What came of a step, for the others and for the watch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The kernel's answer to a probe.
    pub(crate) answer: Option<Packet>,
    /// It had replied to that probe before.
    pub(crate) replied_twice: bool,
    pub(crate) packets: Vec<Packet>,
    pub(crate) begun: Vec<Epoch>,
    /// A lease was written under an epoch that was over.
    pub(crate) revived: Option<Epoch>,
    /// Masterships that ended, and why.
    pub(crate) ended: Vec<(Epoch, Reason)>,
    pub(crate) renewals: u32,
    pub(crate) votes: u32,
    /// Questions to the reference.
    pub(crate) asked: Vec<u64>,
    /// Runs of the fence command that begin.
    pub(crate) fences: Vec<u64>,
    /// Roles that were taken.
    pub(crate) roles: Vec<(Role, Reason)>,
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Machine {
    pub(crate) slot: Slot,
    pub(crate) rate: Rate,
    pub(crate) kernel: Kernel,
    pub(crate) processors: Processors,
    pub(crate) daemon: Option<Daemon>,
    period: Duration,
    /// How often it lost its maps.
    life: u64,
    floor: Epoch,
    record: ElectorRecord,
    /// What its disk says of it, in a pair.
    pub(crate) pair: Option<SavedPair>,
    is_pair: bool,
}

impl Machine {
    /// A node whose maps are old enough that it votes, without its daemon.
    pub(crate) fn new(scope: &Scope, slot: Slot, rate: Rate) -> Self {
        let record = ElectorRecord {
            is_proposed: false,
            ..ElectorRecord::proposed(scope.first_set())
        };
        let members = Arc::new(Members::new(scope.members.iter().map(|(slot, _)| *slot)));
        Self {
            slot,
            rate,
            kernel: fresh_kernel(scope, slot, &record, members, (0, 1)),
            processors: Processors::of(scope),
            daemon: None,
            period: scope.timing().period,
            life: 0,
            floor: Epoch::NONE,
            record,
            pair: None,
            is_pair: scope.is_pair(),
        }
    }

    pub(crate) fn now(&self, at: u32) -> Instant {
        Instant(first_time(self.slot) + self.rate.ticks_ns(at))
    }

    /// Numbers of its own questions that its daemon still goes by.
    pub(crate) fn told(&self) -> impl Iterator<Item = u64> {
        let answers = self.kernel.ring.iter().filter_map(|ring| match ring {
            Ring::QueryAnswer(answer) => Some(answer.sequence),
            Ring::Refusal(_) | Ring::Look => None,
        });
        answers.chain([self.kernel.control.sequence])
    }

    /// Numbers of its own questions that were answered.
    pub(crate) fn counted(&self) -> impl Iterator<Item = u64> {
        let of_each =
            |known: &maps::Reply| [known.sequence, known.query_sequence, known.granted_sequence];
        self.kernel.counted.values().flat_map(of_each)
    }

    /// Whether it remembers something that can have no effect any more.
    pub(crate) fn has_old(&self, way: &OnTheWay) -> bool {
        let kernel = &self.kernel;
        let is_old = |sent: &Sent| !way.has_own(sent.sequence);
        kernel.sent.iter().any(is_old)
            || !kernel.ring.iter().all(|ring| self.minds(ring))
            || kernel.ring.len() > MOST_RINGS
            || self.processors.has_old(way)
    }

    /// Forgets it.
    pub(crate) fn forget_old(&mut self, way: &OnTheWay) {
        let mut ring = std::mem::take(&mut self.kernel.ring);
        ring.retain(|ring| self.minds(ring));
        ring.truncate(MOST_RINGS);
        self.kernel.ring = ring;
        self.kernel.sent.retain(|sent| way.has_own(sent.sequence));
        self.processors.forget_old(way);
    }

    /// Whether its daemon goes by what its kernel told: an answer to an older query counts for what it teaches.
    fn minds(&self, ring: &Ring) -> bool {
        match ring {
            Ring::QueryAnswer(answer) => {
                answer.sequence == self.kernel.control.sequence
                    || answer.promised.max(answer.probed) > self.known()
            }
            Ring::Refusal(_) | Ring::Look => true,
        }
    }

    /// An epoch that it knows of at least: it learns nothing by hearing of a lower one.
    pub(crate) fn known(&self) -> Epoch {
        self.kernel.promises().highest().max(self.floor)
    }

    /// When a question was sent whose answer still counts.
    fn oldest_question(&self, at: u32) -> u64 {
        self.now(at).0.saturating_sub(self.kernel.config.detect_ns)
    }

    /// Nothing of what it replied to comes again.
    pub(crate) fn forget_replies(&mut self) {
        self.processors.forget_old(&OnTheWay::default());
    }

    /// The daemon starts.
    pub(crate) fn start(&mut self, scope: &Scope, at: u32, maps_kept: bool) {
        let now = self.now(at);
        if !maps_kept {
            self.life += 1;
            let members = Arc::clone(self.kernel.members());
            let born = (self.life, now.0);
            self.kernel = fresh_kernel(scope, self.slot, &self.record, members, born);
            self.kernel.abstain(&self.record);
            self.processors = Processors::of(scope);
        }
        self.kernel.name_sets(&self.record);
        let restored = Restored {
            incarnation: self.kernel.config.incarnation,
            created: Instant(self.kernel.config.created_ns),
            maps_kept,
            kernel: self.kernel.words(),
            daemon: self.kernel.daemon_words(),
            saved_floor: self.floor,
            electors: Some(self.record),
            seed: u64::from(self.slot) << 8 | self.life,
            pair: self.saved_pair(now),
        };
        let config = scope.config(self.slot, &self.record.in_force);
        let node = Node::new(config, restored, now);
        let seeds = if self.is_pair {
            Seeds::ByTime
        } else {
            Seeds::Same
        };
        self.daemon = Some(Daemon::new(node, now, at, self.record.in_force, seeds));
    }

    /// The machine is switched off: nothing of it goes on, and its maps are gone.
    pub(crate) fn switch_off(&mut self, scope: &Scope) {
        self.daemon = None;
        self.processors = Processors::of(scope);
        self.kernel.control.lease_deadline_ns = 0;
    }

    /// Whether the daemon is stopped in the middle of a wake-up.
    pub(crate) fn is_held(&self) -> bool {
        self.daemon.as_ref().is_some_and(Daemon::is_held)
    }

    /// Whether the daemon runs and waits to be woken.
    pub(crate) fn is_idle(&self) -> bool {
        self.daemon.as_ref().is_some_and(|daemon| !daemon.is_held())
    }

    /// Whether the daemon takes messages and orders: it has taken what its kernel told.
    pub(crate) fn listens(&self) -> bool {
        self.is_idle() && self.kernel.ring.is_empty()
    }

    /// What the daemon could be woken for by `now`, besides control messages and orders.
    pub(crate) fn wakes(&self, now: Instant, all_turn: bool) -> impl Iterator<Item = Wake> + use<> {
        let daemon = self.daemon.as_ref().filter(|daemon| !daemon.is_held());
        let wakes = daemon.map(|daemon| {
            let has_turns = all_turn || daemon.role() == Role::Master;
            daemon.wakes(now, has_turns, !self.kernel.ring.is_empty())
        });
        wakes.into_iter().flatten()
    }

    /// A reload that gives its daemon the longest lease, or its first one again.
    pub(crate) fn retimed(&self, scope: &Scope) -> Option<Wake> {
        let is_long = self.daemon.as_ref()?.is_long;
        let mut config = scope.config(self.slot, &self.record.in_force);
        if !is_long {
            config.timing.multiplier *= scope.longest;
        }
        Some(Wake::Retime(Box::new(config)))
    }

    /// The earliest tick at which the daemon may have read the clock that it acts on.
    pub(crate) fn idle_since(&self) -> u32 {
        self.daemon.as_ref().map_or(0, Daemon::idle_since)
    }

    /// When its daemon would do something by itself, if that lies ahead: by times that are longer ago than they are
    /// told apart.
    pub(crate) fn next_due(&self, at: u32) -> Option<Instant> {
        let due = self.daemon.as_ref().and_then(Daemon::timeout);
        due.map(|due| due.max(self.now(at)))
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.daemon.as_ref().map(Daemon::role)
    }
}

/// New maps: the life in which they were made, and when.
fn fresh_kernel(
    scope: &Scope,
    slot: Slot,
    record: &ElectorRecord,
    members: Arc<Members>,
    (life, created_ns): (u64, u64),
) -> Kernel {
    let config = scope.config(slot, &record.in_force);
    let incarnation = u64::from(slot) * 1_000 + life;
    let mut kernel = Kernel::configured(&config, record, members, incarnation, created_ns);
    kernel.guards = scope.guards;
    kernel.control.sequence = first_number(slot);
    kernel
}
