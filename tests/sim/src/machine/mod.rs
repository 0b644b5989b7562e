//! One machine: its kernel, its disk, and its daemon with the driver's habits.

mod carry_out;
mod frames;
mod outside;
mod wake;

use std::collections::VecDeque;
use std::sync::Arc;

use heartbeat_core::event::{KernelWords, Order, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::service::{ServiceState, Services};
use heartbeat_core::snapshot::{Alarm, Guarantee, Reason, Role};
use heartbeat_core::{Config, ElectorRecord, ElectorSet, Epoch, Instant, Node, Slot, Slots};
use heartbeat_kernel_twin::{Kernel, Members, Ring};
use heartbeat_wire::frame::Frame;

use crate::clock::Clock;
use crate::verdicts::Verdicts;
pub use outside::{Outside, Saved};

/// A control message on its way in.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Its sender.
    pub from: Slot,
    /// Its sender's incarnation.
    pub incarnation: u64,
    /// The network that it takes.
    pub network: Network,
    /// What it says.
    pub message: Message,
}

/// What a machine sends.
#[derive(Clone, Debug)]
pub enum Out {
    /// A probe or query, to every other member over this network.
    Question(Network, Frame),
    /// A control message.
    Datagram {
        /// For whom.
        to: Slot,
        /// The network that it takes.
        network: Network,
        /// What it says.
        message: Message,
    },
    /// A question to every reference.
    Reference {
        /// Its id.
        id: u64,
    },
    /// The fence command is run against this slot.
    Fence {
        /// The run's id.
        id: u64,
        /// Whom it stops.
        target: Slot,
    },
}

/// A role change, as the log would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// True time.
    pub at: u64,
    /// The role left.
    pub from: Role,
    /// The role taken.
    pub to: Role,
    /// Why.
    pub reason: Reason,
    /// The epoch concerned.
    pub epoch: Epoch,
    /// How its daemon knew the services on it to be; `None`: they are not watched.
    pub services: Option<ServiceState>,
}

/// One thing that a wake-up does. Each reads the clock first and acts on it then, if it is not stopped in
/// between; its commands are carried out before the next one begins.
#[derive(Debug)]
enum Step {
    Turn,
    Answers,
    Words,
    Ring(Box<Ring>),
    Message(Box<Datagram>),
    Order(Box<Order>),
    /// A record of the electors' sets is on the disk.
    Saved(Box<ElectorRecord>),
    Outside(Outside),
    /// If the node's own time has come.
    Timeout,
    HandleTimeout,
    /// A promise is raised, and the words were read behind it.
    Promised(Epoch, Box<KernelWords>),
}

/// How a daemon starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maps {
    /// With the maps of its last run.
    Kept,
    /// With new ones.
    Lost,
    /// With new ones, and told that they are the old ones: what must never happen, for the sanity tests.
    LostUnnoticed,
}

/// One machine. Times are true times in nanoseconds, unless they are [`Instant`]s of its own clock.
#[derive(Debug)]
pub struct Machine {
    /// Its slot.
    pub slot: Slot,
    /// Its clocks.
    pub clock: Clock,
    /// Its maps, and the program on them.
    pub kernel: Kernel,
    /// What became of the frames that its program saw, counted.
    pub verdicts: Verdicts,
    /// What its daemon is configured with.
    pub config: Config,
    /// `false`: powered off.
    pub is_on: bool,
    /// The election, while a daemon runs.
    pub node: Option<Node>,
    /// Its daemon beats, and does nothing else that anybody could notice: no elector's.
    pub only_beats: bool,
    /// The daemon does nothing until then.
    pub frozen_until: u64,
    /// The kernel takes no frame and no datagram in until then.
    pub deaf_until: u64,
    /// The whole machine stands still until then.
    pub paused_until: u64,
    /// Its clocks stood still: until then, by its own clock, its lease may be one too many.
    pub excused_until: u64,
    /// What is left of the wake-up that is being handled, with the time that was read for it.
    steps: VecDeque<(Step, Option<Instant>)>,
    /// Control messages that came.
    pub inbox: Vec<Datagram>,
    /// Orders that came.
    pub orders: Vec<Order>,
    /// What came of what it asked for outside the cluster.
    pub outside: Vec<Outside>,
    /// What its disk says of it in its pair.
    pub pair: Option<Saved>,
    /// How the services on it are; `None`: nobody watches any.
    pub services: Option<Services>,
    /// How its daemon knows them to be.
    known_services: Option<ServiceState>,
    /// How far its wall clock is ahead of the true one, in nanoseconds.
    pub wall_off: i64,
    /// When the next period begins.
    pub next_turn: Instant,
    /// CLOCK_MONOTONIC_RAW as the wake-up that is being handled read it.
    raw_ns: u64,
    /// When the answers to the newest probe are read, between two turns.
    answers_at: Option<Instant>,
    /// What the disk says of the highest epoch.
    pub floor: Epoch,
    /// What the disk says of the electors' sets.
    pub record: ElectorRecord,
    /// The set that questions name.
    asks_by: ElectorSet,
    /// Records on their way to the disk, with the time at which they are there.
    pub writes: VecDeque<(u64, ElectorRecord)>,
    /// Longest time that a write takes, in nanoseconds.
    pub slow_disk: u64,
    /// Frames and messages that it sent, a multicast once, and frames that it received.
    pub frames_sent: u64,
    /// See `frames_sent`.
    pub frames_received: u64,
    /// What leaves, until the network takes it.
    pub out: Vec<Out>,
    /// Its role changes.
    pub changes: Vec<Change>,
    /// Alarms raised and cleared.
    pub alarms: Vec<(Alarm, bool)>,
    /// What keeps a second master away beside it, as it said last.
    pub guarantee: Guarantee,
    /// What became of its orders.
    pub answers: Vec<Result<OrderDone, OrderError>>,
    /// Epochs under which it took the addresses, except on a lease taken up.
    pub taken: Vec<Epoch>,
    /// A lease of this epoch was written, under which no address was taken yet.
    begun: Option<Epoch>,
    /// The virtual addresses are on it.
    pub has_addresses: bool,
    /// Its daemon exited by order.
    pub has_exited: bool,
    /// Its daemon's lives so far, ended ones included: what is under way for one is nothing to the next.
    pub(crate) daemons: u64,
    /// Its daemon read the clock, and has not done yet what it was woken for.
    pub(crate) is_acting: bool,
    /// The wake-up that stands in the queue: its number, and when.
    pub(crate) wake: (u64, Option<u64>),
    seed: u64,
}

impl Machine {
    /// A machine that is switched on; its daemon is not started.
    #[must_use]
    pub fn new(config: Config, members: Arc<Members>, clock: Clock, seed: u64) -> Self {
        let record = ElectorRecord {
            is_proposed: false,
            ..ElectorRecord::proposed(config.elector_set())
        };
        let kernel = Kernel::configured(&config, &record, Arc::clone(&members), seed, 0);
        Self {
            slot: config.slot,
            clock,
            kernel,
            verdicts: Verdicts::default(),
            config,
            is_on: true,
            node: None,
            only_beats: false,
            frozen_until: 0,
            deaf_until: 0,
            paused_until: 0,
            excused_until: 0,
            steps: VecDeque::new(),
            inbox: Vec::new(),
            orders: Vec::new(),
            outside: Vec::new(),
            pair: None,
            services: None,
            known_services: None,
            wall_off: 0,
            next_turn: Instant::ZERO,
            raw_ns: 0,
            answers_at: None,
            floor: Epoch::NONE,
            asks_by: record.in_force,
            record,
            writes: VecDeque::new(),
            slow_disk: 3_000_000,
            frames_sent: 0,
            frames_received: 0,
            out: Vec::new(),
            changes: Vec::new(),
            alarms: Vec::new(),
            guarantee: Guarantee::Quorum,
            answers: Vec::new(),
            taken: Vec::new(),
            begun: None,
            has_addresses: false,
            has_exited: false,
            daemons: 0,
            is_acting: false,
            wake: (0, None),
            seed,
        }
    }

    /// Before the first start: these electors stand in the configuration file.
    pub fn propose(&mut self, electors: &[Slot]) {
        let set = ElectorSet {
            slots: Slots::new(electors.iter().copied()).expect("few"),
            ..self.record.in_force
        };
        self.record = ElectorRecord::proposed(set);
    }

    /// Starts the daemon at true time `at`; its first commands are ready.
    pub fn start(&mut self, maps: Maps, at: u64) {
        let boot = self.clock.boot(at);
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.config = goes_by(&self.config, &self.record);
        if maps != Maps::Kept {
            self.lose_maps(boot);
            if maps == Maps::Lost {
                self.kernel.abstain(&self.record);
            }
        }
        self.kernel.name_sets(&self.record);
        let is_lie = maps == Maps::LostUnnoticed;
        let restored = Restored {
            incarnation: self.kernel.config.incarnation,
            created: if is_lie {
                Instant::ZERO
            } else {
                Instant(self.kernel.config.created_ns)
            },
            maps_kept: maps != Maps::Lost,
            kernel: self.kernel.words(),
            daemon: self.kernel.daemon_words(),
            saved_floor: self.floor,
            electors: Some(self.record),
            seed: self.seed,
            pair: self.saved_pair(at),
        };
        self.asks_by = self.record.in_force;
        self.next_turn = Instant(boot);
        self.answers_at = None;
        self.has_exited = false;
        self.node = Some(Node::new(self.config.clone(), restored, Instant(boot)));
        self.known_services = None;
        self.outside.extend(self.services.map(Outside::Services));
    }

    /// New maps, made at `boot` of its clock. The safety lines that a test took off stay off.
    fn lose_maps(&mut self, boot: u64) {
        let guards = self.kernel.guards;
        let members = Arc::clone(self.kernel.members());
        self.kernel = Kernel::configured(&self.config, &self.record, members, self.seed, boot);
        self.kernel.guards = guards;
        self.verdicts = Verdicts::default();
    }

    /// The daemon is gone at once; the kernel goes on.
    pub fn kill(&mut self) {
        self.node = None;
        self.inbox.clear();
        self.orders.clear();
        self.outside.clear();
        self.steps.clear();
        self.writes.clear();
        self.daemons += 1;
        self.is_acting = false;
        self.frozen_until = 0;
    }

    /// When the daemon wants to be woken, in true time.
    pub fn wants_wake(&self) -> Option<u64> {
        let node = self.node.as_ref()?;
        let is_called = !self.kernel.ring.is_empty()
            || !self.inbox.is_empty()
            || !self.orders.is_empty()
            || !self.outside.is_empty();
        if is_called {
            return Some(self.frozen_until);
        }
        let sooner = [self.answers_at, node.poll_timeout()];
        let timeout = sooner
            .into_iter()
            .flatten()
            .fold(self.next_turn, Instant::min);
        let written = self.writes.front().map_or(u64::MAX, |(at, _)| *at);
        Some(
            self.clock
                .when(timeout.0)
                .min(written)
                .max(self.frozen_until),
        )
    }

    /// Its role, if a daemon runs.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.node
            .as_ref()
            .map(|node| node.snapshot(Instant::ZERO).role)
    }
}

/// The configuration with the set in force on the disk.
fn goes_by(config: &Config, record: &ElectorRecord) -> Config {
    let (mut config, set) = (config.clone(), record.in_force);
    for (slot, member) in &mut config.members {
        member.elector = set.slots.contains(*slot);
    }
    config.elector_version = set.version;
    config.elector_digest = set.digest();
    config.timing.max_lease = set.max_lease;
    config.timing.restart_lease = config.timing.restart_lease.min(set.max_lease);
    config
}
