//! One machine: its kernel, its disk, and its daemon with the driver's habits.

use std::collections::VecDeque;

use heartbeat_core::command::Question;
use heartbeat_core::event::{KernelWords, Order, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::{Alarm, Reason, Role};
use heartbeat_core::{
    Command, Config, ElectorRecord, ElectorSet, Epoch, Event, Instant, Node, Slot, Slots,
};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, flag, role};
use heartbeat_wire::maps::{self, Sent};

use super::clock::Clock;
use super::kernel::{Kernel, Ring, address_of};

/// A control message on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: Slot,
    pub(crate) incarnation: u64,
    pub(crate) network: Network,
    pub(crate) message: Message,
}

/// What a machine sends.
#[derive(Clone, Debug)]
pub(crate) enum Out {
    /// A probe or query, to every other member over this network.
    Question(Network, Frame),
    /// A control message.
    Datagram {
        to: Slot,
        network: Network,
        message: Message,
    },
}

/// A role change, as the log would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: u64,
    pub(crate) from: Role,
    pub(crate) to: Role,
    pub(crate) reason: Reason,
    pub(crate) epoch: Epoch,
}

/// One thing that a wake-up does. Each reads the clock first and acts on it then, if it is not stopped in
/// between; its commands are carried out before the next one begins.
#[derive(Debug)]
enum Step {
    Turn,
    Answers,
    Words,
    Ring(Ring),
    Message(Datagram),
    Order(Order),
    /// A record of the electors' sets is on the disk.
    Saved(ElectorRecord),
    /// If the node's own time has come.
    Timeout,
    HandleTimeout,
    /// A promise is raised, and the words were read behind it.
    Promised(Epoch, KernelWords),
}

/// How a daemon starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maps {
    /// With the maps of its last run.
    Kept,
    /// With new ones.
    Lost,
    /// With new ones, and told that they are the old ones: what must never happen, for the sanity tests.
    LostUnnoticed,
}

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) slot: Slot,
    pub(crate) clock: Clock,
    pub(crate) kernel: Kernel,
    pub(crate) config: Config,
    /// `false`: powered off.
    pub(crate) is_on: bool,
    pub(crate) node: Option<Node>,
    /// The daemon does nothing until this true time.
    pub(crate) frozen_until: u64,
    /// What is left of the wake-up that is being handled, with the time that was read for it.
    steps: VecDeque<(Step, Option<Instant>)>,
    pub(crate) inbox: Vec<Datagram>,
    pub(crate) orders: Vec<Order>,
    pub(crate) next_turn: Instant,
    /// When the answers to the newest probe are read, between two turns.
    answers_at: Option<Instant>,
    pub(crate) floor: Epoch,
    /// What the disk says of the electors' sets.
    pub(crate) record: ElectorRecord,
    /// The set that questions name.
    asks_by: ElectorSet,
    /// Records on their way to the disk, with the true time at which they are there.
    pub(crate) writes: VecDeque<(u64, ElectorRecord)>,
    /// Longest time that a write takes, in nanoseconds.
    pub(crate) slow_disk: u64,
    pub(crate) out: Vec<Out>,
    pub(crate) changes: Vec<Change>,
    pub(crate) alarms: Vec<(Alarm, bool)>,
    pub(crate) answers: Vec<Result<OrderDone, OrderError>>,
    /// Epochs under which this machine took the addresses, except on a lease taken up.
    pub(crate) taken: Vec<Epoch>,
    /// A lease of this epoch was written, under which no address was taken yet.
    begun: Option<Epoch>,
    pub(crate) has_addresses: bool,
    pub(crate) has_exited: bool,
    seed: u64,
}

impl Machine {
    pub(crate) fn new(config: Config, clock: Clock, seed: u64) -> Self {
        let record = ElectorRecord {
            is_proposed: false,
            ..ElectorRecord::proposed(config.elector_set())
        };
        let kernel = fresh_kernel(&config, &record, seed, 0);
        Self {
            slot: config.slot,
            clock,
            kernel,
            config,
            is_on: true,
            node: None,
            frozen_until: 0,
            steps: VecDeque::new(),
            inbox: Vec::new(),
            orders: Vec::new(),
            next_turn: Instant::ZERO,
            answers_at: None,
            floor: Epoch::NONE,
            asks_by: record.in_force,
            record,
            writes: VecDeque::new(),
            slow_disk: 3_000_000,
            out: Vec::new(),
            changes: Vec::new(),
            alarms: Vec::new(),
            answers: Vec::new(),
            taken: Vec::new(),
            begun: None,
            has_addresses: false,
            has_exited: false,
            seed,
        }
    }

    /// Before the first start: these electors stand in the configuration file.
    pub(crate) fn propose(&mut self, electors: &[Slot]) {
        let set = ElectorSet {
            slots: Slots::new(electors.iter().copied()).expect("few"),
            ..self.record.in_force
        };
        self.record = ElectorRecord::proposed(set);
    }

    /// Starts the daemon at true time `at`; its first commands are ready.
    pub(crate) fn start(&mut self, maps: Maps, at: u64) {
        let boot = self.clock.boot(at);
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.config = goes_by(&self.config, &self.record);
        if maps != Maps::Kept {
            self.kernel = fresh_kernel(&self.config, &self.record, self.seed, boot);
            if maps == Maps::Lost {
                let longest = heartbeat_core::time::nanos(self.record.longest_lease);
                self.kernel.control.abstain_until_ns = boot + longest + longest / 5;
            }
        }
        set_electors(&mut self.kernel.config, &self.record);
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
        };
        self.asks_by = self.record.in_force;
        self.next_turn = Instant(boot);
        self.answers_at = None;
        self.has_exited = false;
        self.node = Some(Node::new(self.config.clone(), restored, Instant(boot)));
    }

    /// The daemon is gone at once; the kernel goes on.
    pub(crate) fn kill(&mut self) {
        self.node = None;
        self.inbox.clear();
        self.orders.clear();
        self.steps.clear();
        self.writes.clear();
        self.frozen_until = 0;
    }

    /// When the daemon wants to be woken, in true time.
    pub(crate) fn wants_wake(&self) -> Option<u64> {
        let node = self.node.as_ref()?;
        if !self.kernel.ring.is_empty() || !self.inbox.is_empty() || !self.orders.is_empty() {
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

    /// One wake-up begins: it read the clock at true time `read_at`.
    pub(crate) fn wake(&mut self, read_at: u64) {
        let now = Instant(self.clock.boot(read_at));
        let first = if now >= self.next_turn {
            Step::Turn
        } else if self.answers_at.is_some_and(|due| due <= now) {
            Step::Answers
        } else {
            Step::Words
        };
        self.steps.push_back((first, Some(now)));
        self.steps.push_back((Step::Timeout, None));
    }

    /// Goes on with the wake-up, for at most `most` instructions: a clock that is read, an event that is
    /// handed in, a command that is carried out. Whether it is through.
    pub(crate) fn go_on(&mut self, at: u64, most: u64) -> bool {
        assert!(at >= self.frozen_until);
        for _ in 0..most {
            if self.node.is_none() {
                self.steps.clear();
            }
            let must_tell = matches!(self.steps.front(), Some((Step::Promised(..), _)));
            if !must_tell && let Some(command) = self.node.as_mut().and_then(Node::poll_command) {
                self.carry_out_one(command, at);
                continue;
            }
            self.take_in(at);
            let now = Instant(self.clock.boot(at));
            match self.steps.front_mut() {
                Some((_, read @ None)) => *read = Some(now),
                Some((_, Some(_))) => self.act(at),
                None => return true,
            }
        }
        false
    }

    /// What came in meanwhile is done before the node's own time is looked at.
    fn take_in(&mut self, at: u64) {
        if !matches!(self.steps.front(), Some((Step::Timeout, None))) {
            return;
        }
        while let Some((_, record)) = self.writes.pop_front_if(|(done, _)| *done <= at) {
            self.record = record;
            self.steps.push_front((Step::Saved(record), None));
        }
        let ring = self.kernel.ring.drain(..).map(Step::Ring);
        let inbox = self.inbox.drain(..).map(Step::Message);
        let came = ring
            .chain(inbox)
            .chain(self.orders.drain(..).map(Step::Order));
        for step in came.collect::<Vec<_>>().into_iter().rev() {
            self.steps.push_front((step, None));
        }
    }

    fn act(&mut self, at: u64) {
        let Some((step, Some(now))) = self.steps.pop_front() else {
            return;
        };
        match step {
            Step::Turn => self.turn(now, at),
            Step::Answers => self.take_answers(now),
            Step::Words | Step::Ring(Ring::Look) => {
                self.handle(Event::Kernel(self.kernel.words()), now);
            }
            Step::Ring(Ring::QueryAnswer(answer)) => self.handle(Event::QueryAnswer(answer), now),
            Step::Ring(Ring::Refusal(refusal)) => self.handle(Event::Refusal(refusal), now),
            Step::Message(datagram) => self.hand_in(datagram, now),
            Step::Order(order) => self.handle(Event::Order(order), now),
            Step::Saved(record) => self.handle(Event::ElectorsSaved(record), now),
            Step::Timeout => {
                let timeout = self.node.as_ref().and_then(Node::poll_timeout);
                if timeout.is_some_and(|timeout| timeout <= now) {
                    self.steps.push_front((Step::HandleTimeout, Some(now)));
                    self.steps.push_front((Step::Words, Some(now)));
                }
            }
            Step::HandleTimeout => self.handle_timeout(now),
            Step::Promised(epoch, kernel) => self.handle(Event::Promised { epoch, kernel }, now),
        }
    }

    fn hand_in(&mut self, datagram: Datagram, now: Instant) {
        let Datagram {
            from,
            incarnation,
            network,
            message,
        } = datagram;
        let event = Event::Message {
            from,
            incarnation,
            network,
            message,
        };
        self.handle(event, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some(node) = &mut self.node else { return };
        node.handle_timeout(now);
        let next = node.poll_timeout();
        assert!(
            next.is_none_or(|next| next > now),
            "a timeout that was handled is over"
        );
    }

    fn take_answers(&mut self, now: Instant) {
        self.answers_at = None;
        let replies = self.kernel.replies();
        let kernel = self.kernel.words();
        let event = Event::Answers {
            kernel,
            replies: &replies,
        };
        self.handle(event, now);
    }

    fn turn(&mut self, now: Instant, at: u64) {
        let lateness = now.since(self.next_turn);
        let replies = self.kernel.replies();
        self.kernel.control.beat_ns = now.0;
        let raw_ns = self.clock.raw(at);
        let event = Event::Turn {
            kernel: self.kernel.words(),
            replies: &replies,
            lateness,
            raw_ns,
        };
        self.handle(event, now);
        let period = self.config.timing.period;
        self.next_turn = self.next_turn + period;
        if self.next_turn <= now {
            self.next_turn = now + period;
        }
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) {
        if let Some(node) = &mut self.node {
            node.handle(event, now);
        }
    }

    fn carry_out_one(&mut self, command: Command, at: u64) {
        let control = &mut self.kernel.control;
        match command {
            Command::Promise(epoch) => {
                control.promised_epoch = control.promised_epoch.max(epoch.0);
                let now = Instant(self.clock.boot(at));
                let kernel = self.kernel.words();
                self.steps
                    .push_front((Step::Promised(epoch, kernel), Some(now)));
            }
            Command::VoteGrant {
                epoch,
                incarnation,
                end,
            } => {
                control.vote_grant_end_ns = end.0;
                control.vote_epoch = epoch.0;
                control.vote_incarnation = incarnation;
            }
            Command::Lease { epoch, deadline } => {
                if control.lease_epoch != epoch.0 {
                    self.begun = Some(epoch);
                }
                control.lease_epoch = epoch.0;
                control.lease_deadline_ns = deadline.0;
            }
            Command::GateShut => control.lease_deadline_ns = 0,
            Command::Released(epoch) => control.released_epoch = epoch.0,
            Command::Abstain(until) => control.abstain_until_ns = until.0,
            Command::Floor(epoch) => {
                control.epoch_floor = control.epoch_floor.max(epoch.0);
                self.floor = self.floor.max(epoch);
            }
            Command::SaveElectors(record) => {
                let wait = self.seed.rotate_left(17) ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let done = at + 100_000 + (wait >> 20) % self.slow_disk;
                self.writes.push_back((done, record));
            }
            Command::Electors(record) => {
                set_electors(&mut self.kernel.config, &record);
                self.asks_by = record.in_force;
            }
            Command::Role(role) => control.role = role_number(role).into(),
            Command::Eligible(eligible) => {
                let others = control.flags & !u64::from(flag::ELIGIBLE);
                control.flags = others | if eligible { flag::ELIGIBLE.into() } else { 0 };
            }
            Command::Forced(forced) => {
                let others = control.flags & !maps::control_flag::FORCED;
                control.flags = others
                    | if forced {
                        maps::control_flag::FORCED
                    } else {
                        0
                    };
            }
            Command::Probe(question) => self.probe(Network::Management, &question),
            Command::ProbeBusiness(question) => self.probe(Network::Business, &question),
            Command::Query(question) => self.ask(Network::Management, Kind::Query, &question),
            Command::QueryBusiness(question) => {
                self.ask(Network::Business, Kind::Query, &question);
            }
            Command::Send {
                to,
                network,
                message,
            } => self.out.push(Out::Datagram {
                to,
                network,
                message,
            }),
            Command::AddAddresses(epoch) => {
                self.has_addresses = true;
                if self.begun.take_if(|begun| *begun == epoch).is_some() {
                    self.taken.push(epoch);
                }
            }
            Command::RemoveAddresses(_) => {
                assert!(
                    !self.kernel.gate_is_open(self.clock.boot(at)),
                    "the gate is shut before the addresses go"
                );
                self.has_addresses = false;
            }
            Command::RoleChanged {
                from,
                to,
                reason,
                epoch,
                lasted: _,
            } => {
                self.changes.push(Change {
                    at,
                    from,
                    to,
                    reason,
                    epoch,
                });
            }
            Command::Alarm(alarm, is_raised) => self.alarms.push((alarm, is_raised)),
            Command::OrderAnswer(answer) => self.answers.push(answer),
            Command::Exit | Command::ExitKeeping => {
                self.has_exited = true;
                self.node = None;
            }
        }
    }

    fn probe(&mut self, network: Network, question: &Question) {
        self.ask(network, Kind::Probe, question);
        self.answers_at = Some(question.sent + self.config.timing.period / 4);
    }

    fn ask(&mut self, network: Network, kind: Kind, question: &Question) {
        let (config, control) = (&self.kernel.config, &self.kernel.control);
        let lease_us = u32::try_from(question.lease.as_micros()).expect("a lease is short");
        let frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: self.asks_by.version,
            elector_digest: self.asks_by.digest(),
            incarnation: config.incarnation,
            sender: self.slot,
            successor: question.successor,
            role: u8::try_from(control.role).expect("a role"),
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            lease_us,
            service_age_us: AGE_UNKNOWN,
            stride: question.stride,
            offset: question.offset,
            promised_epoch: control.promised_epoch,
            probed_epoch: self.kernel.grant.probed_epoch,
            config_digest: config.config_digest,
            ..Frame::default()
        };
        self.kernel.record(Sent {
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            kind: kind as u64,
        });
        self.out.push(Out::Question(network, frame));
    }

    pub(crate) fn role(&self) -> Option<Role> {
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

/// Tells the kernel which sets it grants by.
fn set_electors(config: &mut maps::Config, record: &ElectorRecord) {
    let sets = || {
        [Some(&record.in_force), record.next()]
            .into_iter()
            .flatten()
    };
    let longest = sets().map(|set| set.max_lease).max().unwrap_or_default();
    let is_elector = sets().any(|set| set.slots.contains(config.slot));
    config.elector_version = record.in_force.version;
    config.elector_digest = record.in_force.digest();
    config.next_version = record.next().map_or(0, |next| next.version);
    config.next_digest = record.next().map_or(0, ElectorSet::digest);
    config.max_lease_ns = heartbeat_core::time::nanos(longest);
    config.is_elector = u16::from(is_elector);
}

fn fresh_kernel(
    config: &Config,
    record: &ElectorRecord,
    incarnation: u64,
    created_ns: u64,
) -> Kernel {
    let mut words = maps::Config {
        cluster_id: 1,
        incarnation,
        created_ns,
        config_digest: config.config_digest,
        detect_ns: heartbeat_core::time::nanos(config.timing.lease()),
        own_address: address_of(config.slot, Network::Management),
        business_address: address_of(config.slot, Network::Business),
        slot: config.slot,
        ..maps::Config::default()
    };
    set_electors(&mut words, record);
    Kernel::new(words, config.members.keys().copied())
}

fn role_number(role: Role) -> u8 {
    match role {
        Role::Init => role::INIT,
        Role::Slave => role::SLAVE,
        Role::Candidate => role::CANDIDATE,
        Role::Master => role::MASTER,
        Role::Witness => role::WITNESS,
    }
}
