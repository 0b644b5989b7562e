//! One node: its kernel, its disk, and its daemon with the driver's habits, stopped anywhere in between.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use heartbeat_core::command::Question;
use heartbeat_core::event::{Order, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_core::time::nanos;
use heartbeat_core::{
    Command, Config, ElectorRecord, ElectorSet, Epoch, Event, Instant, Node, Slot,
};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, flag};
use heartbeat_wire::maps::{self, Sent, control_flag};

use crate::hold::Hold;
use crate::kernel::{Kernel, Ring, address_of};
use crate::packet::{Body, Packet};
use crate::scope::{Rate, Scope};

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
    /// The oldest record on its way to the disk is there.
    Saved,
}

/// What a daemon has still to do of a wake-up, besides the node's commands.
#[derive(Clone, Debug, Hash)]
enum Todo {
    /// The words were handed in; now what it was woken for.
    Take(Wake, Instant),
    /// The clock was read; the promise is to be raised.
    Raise(Epoch, Instant),
    /// It is raised; the words are to be read behind it.
    Read(Epoch, Instant),
    /// A command that others can see.
    Carry(Command),
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
    node: Node,
    /// What is next stands last.
    todo: Vec<Todo>,
    next_turn: Instant,
    answers_at: Option<Instant>,
    /// The tick at which it was last through with a wake-up.
    idle_since: Tick,
    writes: VecDeque<ElectorRecord>,
    /// The set that its questions name.
    asks_by: ElectorSet,
}

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
}

#[derive(Clone, Debug, Hash)]
pub(crate) struct Machine {
    pub(crate) slot: Slot,
    pub(crate) rate: Rate,
    pub(crate) kernel: Kernel,
    pub(crate) daemon: Option<Daemon>,
    /// How often it lost its maps.
    life: u64,
    floor: Epoch,
    record: ElectorRecord,
}

impl Machine {
    /// A node whose maps are old enough that it votes, without its daemon.
    pub(crate) fn new(scope: &Scope, slot: Slot, rate: Rate) -> Self {
        let record = ElectorRecord {
            is_proposed: false,
            ..ElectorRecord::proposed(scope.first_set())
        };
        let members: Arc<[Slot]> = scope.members.iter().map(|(slot, _)| *slot).collect();
        Self {
            slot,
            rate,
            kernel: fresh_kernel(scope, slot, &record, members, 0),
            daemon: None,
            life: 0,
            floor: Epoch::NONE,
            record,
        }
    }

    pub(crate) fn now(&self, at: u32) -> Instant {
        Instant(self.rate.clock_ns(at))
    }

    /// The daemon starts.
    pub(crate) fn start(&mut self, scope: &Scope, at: u32, maps_kept: bool) {
        let now = self.now(at);
        if !maps_kept {
            self.life += 1;
            let members = self.kernel.members();
            self.kernel = fresh_kernel(scope, self.slot, &self.record, members, self.life);
            self.kernel.config.created_ns = now.0;
            self.kernel.control.abstain_until_ns = now.0 + nanos(self.record.abstention());
        }
        set_electors(&mut self.kernel.config, &self.record);
        let config: Config = scope.config(self.slot, &self.record.in_force);
        let restored = Restored {
            incarnation: self.kernel.config.incarnation,
            created: Instant(self.kernel.config.created_ns),
            maps_kept,
            kernel: self.kernel.words(),
            daemon: self.kernel.daemon_words(),
            saved_floor: self.floor,
            electors: Some(self.record),
            seed: u64::from(self.slot) << 8 | self.life,
        };
        self.daemon = Some(Daemon {
            node: Node::new(config, restored, now),
            todo: Vec::new(),
            next_turn: now,
            answers_at: None,
            idle_since: Tick(at),
            writes: VecDeque::new(),
            asks_by: self.record.in_force,
        });
    }

    /// Whether the daemon is stopped in the middle of a wake-up.
    pub(crate) fn is_held(&self) -> bool {
        self.daemon
            .as_ref()
            .is_some_and(|daemon| !daemon.todo.is_empty())
    }

    /// Whether the daemon runs and waits to be woken.
    pub(crate) fn is_idle(&self) -> bool {
        self.daemon
            .as_ref()
            .is_some_and(|daemon| daemon.todo.is_empty())
    }

    /// What the daemon could be woken for by `now`, besides control messages and orders.
    pub(crate) fn wakes(&self, now: Instant, all_turn: bool) -> impl Iterator<Item = Wake> + use<> {
        let daemon = self.daemon.as_ref().filter(|daemon| daemon.todo.is_empty());
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let turn = daemon.is_some_and(|daemon| daemon.next_turn <= now)
            && (all_turn || self.role() == Some(Role::Master));
        let answers = !turn && daemon.is_some_and(|daemon| is_due(daemon.answers_at));
        let timeout = daemon.is_some_and(|daemon| is_due(daemon.node.poll_timeout()));
        let ring = daemon.is_some() && !self.kernel.ring.is_empty();
        let saved = daemon.is_some_and(|daemon| !daemon.writes.is_empty());
        [
            turn.then_some(Wake::Turn),
            answers.then_some(Wake::Answers),
            ring.then_some(Wake::Ring),
            timeout.then_some(Wake::Timeout),
            saved.then_some(Wake::Saved),
        ]
        .into_iter()
        .flatten()
    }

    /// The earliest tick at which the daemon may have read the clock that it acts on.
    pub(crate) fn idle_since(&self) -> u32 {
        self.daemon.as_ref().map_or(0, |daemon| daemon.idle_since.0)
    }

    pub(crate) fn role(&self) -> Option<Role> {
        let daemon = self.daemon.as_ref()?;
        Some(daemon.node.snapshot(Instant::ZERO).role)
    }

    /// The daemon read its clock at tick `read_at` and acts at tick `at`.
    pub(crate) fn wake(
        &mut self,
        wake: Wake,
        (read_at, at): (u32, u32),
        hold: &mut Hold,
        outcome: &mut Outcome,
    ) {
        let now = self.now(read_at);
        let words = self.kernel.words();
        let Some(daemon) = &mut self.daemon else {
            return;
        };
        match wake {
            Wake::Turn => {
                let replies = self.kernel.replies();
                let event = Event::Turn {
                    kernel: words,
                    replies: &replies,
                    lateness: now.since(daemon.next_turn),
                    raw_ns: now.0,
                };
                daemon.node.handle(event, now);
                let period = self.kernel.period();
                daemon.next_turn = daemon.next_turn + period;
                if daemon.next_turn <= now {
                    daemon.next_turn = now + period;
                }
            }
            Wake::Answers => {
                daemon.answers_at = None;
                let replies = self.kernel.replies();
                let kernel = words;
                let replies = &replies;
                daemon.node.handle(Event::Answers { kernel, replies }, now);
            }
            Wake::Ring | Wake::Message(_) | Wake::Timeout | Wake::Order(_) | Wake::Saved => {
                daemon.node.handle(Event::Kernel(words), now);
                daemon.todo.push(Todo::Take(wake, now));
                if self.carry_out(at, hold, outcome) || hold.is_here() {
                    return;
                }
            }
        }
        self.go_on(at, hold, outcome);
    }

    /// Goes on until the daemon is through or `hold` stops it.
    pub(crate) fn go_on(&mut self, at: u32, hold: &mut Hold, outcome: &mut Outcome) {
        loop {
            let stops = match self.daemon.as_mut().and_then(|daemon| daemon.todo.pop()) {
                Some(todo) => self.advance(todo, at, hold, outcome),
                None => false,
            };
            if stops || self.carry_out(at, hold, outcome) {
                return;
            }
            if !self.is_held() {
                break;
            }
        }
        if let Some(daemon) = &mut self.daemon {
            daemon.idle_since = Tick(at);
        }
    }

    /// Takes one step. Whether `hold` stops it after that.
    fn advance(&mut self, todo: Todo, at: u32, hold: &mut Hold, outcome: &mut Outcome) -> bool {
        match todo {
            Todo::Take(wake, now) => self.take(wake, now),
            Todo::Carry(Command::Promise(epoch)) => {
                let now = self.now(at);
                self.put(Todo::Raise(epoch, now));
                return hold.is_here();
            }
            Todo::Raise(epoch, now) => {
                let promised = &mut self.kernel.control.promised_epoch;
                *promised = (*promised).max(epoch.0);
                self.put(Todo::Read(epoch, now));
                return hold.is_here();
            }
            Todo::Read(epoch, now) => {
                let kernel = self.kernel.words();
                self.handle(Event::Promised { epoch, kernel }, now);
            }
            Todo::Carry(command) => self.carry(command, at, outcome),
        }
        false
    }

    /// Carries out commands up to the next one that others can see. Whether `hold` stops it there.
    fn carry_out(&mut self, at: u32, hold: &mut Hold, outcome: &mut Outcome) -> bool {
        if matches!(
            self.daemon.as_ref().and_then(|daemon| daemon.todo.last()),
            Some(Todo::Raise(..) | Todo::Read(..))
        ) {
            return false;
        }
        while let Some(command) = self
            .daemon
            .as_mut()
            .and_then(|daemon| daemon.node.poll_command())
        {
            if is_visible(&command) {
                self.put(Todo::Carry(command));
                return hold.is_here();
            }
            self.carry(command, at, outcome);
        }
        false
    }

    fn put(&mut self, todo: Todo) {
        if let Some(daemon) = &mut self.daemon {
            daemon.todo.push(todo);
        }
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) {
        if let Some(daemon) = &mut self.daemon {
            daemon.node.handle(event, now);
        }
    }

    fn take(&mut self, wake: Wake, now: Instant) {
        match wake {
            Wake::Ring => match self.kernel.ring.pop_front() {
                Some(Ring::QueryAnswer(answer)) => self.handle(Event::QueryAnswer(answer), now),
                Some(Ring::Refusal(refusal)) => self.handle(Event::Refusal(refusal), now),
                Some(Ring::Look) | None => {}
            },
            Wake::Message(packet) => {
                if let Body::Message {
                    incarnation,
                    message,
                } = &packet.body
                {
                    let event = Event::Message {
                        from: packet.from,
                        incarnation: *incarnation,
                        network: packet.network,
                        message: message.clone(),
                    };
                    self.handle(event, now);
                }
            }
            Wake::Timeout => {
                if let Some(daemon) = &mut self.daemon {
                    daemon.node.handle_timeout(now);
                }
            }
            Wake::Order(order) => self.handle(Event::Order(order), now),
            Wake::Saved => {
                let saved = self
                    .daemon
                    .as_mut()
                    .and_then(|daemon| daemon.writes.pop_front());
                if let Some(record) = saved {
                    self.record = record;
                    self.handle(Event::ElectorsSaved(record), now);
                }
            }
            Wake::Turn | Wake::Answers => unreachable!("these come with their words"),
        }
    }

    fn carry(&mut self, command: Command, at: u32, outcome: &mut Outcome) {
        let control = &mut self.kernel.control;
        match command {
            Command::Promise(_) => unreachable!("a promise is made in steps"),
            Command::VoteGrant {
                epoch,
                incarnation,
                end,
            } => {
                outcome.votes += u32::from(epoch.slot() != self.slot);
                control.vote_grant_end_ns = end.0;
                control.vote_epoch = epoch.0;
                control.vote_incarnation = incarnation;
            }
            Command::Lease { epoch, deadline } => {
                if control.lease_epoch != epoch.0 {
                    outcome.begun.push(epoch);
                } else if control.lease_deadline_ns == 0 {
                    outcome.revived = Some(epoch);
                } else {
                    outcome.renewals += 1;
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
            Command::Forced(forced) => {
                let others = control.flags & !control_flag::FORCED;
                control.flags = others | if forced { control_flag::FORCED } else { 0 };
            }
            Command::Eligible(eligible) => {
                let others = control.flags & !u64::from(flag::ELIGIBLE);
                control.flags = others | if eligible { flag::ELIGIBLE.into() } else { 0 };
            }
            Command::SaveElectors(record) => {
                if let Some(daemon) = &mut self.daemon {
                    daemon.writes.push_back(record);
                }
            }
            Command::Electors(record) => {
                set_electors(&mut self.kernel.config, &record);
                if let Some(daemon) = &mut self.daemon {
                    daemon.asks_by = record.in_force;
                }
            }
            Command::Probe(question) => self.probe(Network::Management, &question, at, outcome),
            Command::ProbeBusiness(question) => {
                self.probe(Network::Business, &question, at, outcome);
            }
            Command::Query(question) => {
                self.ask(Network::Management, Kind::Query, &question, at, outcome);
            }
            Command::QueryBusiness(question) => {
                self.ask(Network::Business, Kind::Query, &question, at, outcome);
            }
            Command::Send {
                to,
                network,
                message,
            } => {
                outcome.packets.push(self.message(to, network, message));
            }
            Command::RoleChanged {
                from: Role::Master,
                epoch,
                reason,
                ..
            } => {
                outcome.ended.push((epoch, reason));
            }
            Command::RoleChanged { .. }
            | Command::Role(_)
            | Command::AddAddresses(_)
            | Command::RemoveAddresses(_)
            | Command::Alarm(..)
            | Command::OrderAnswer(_) => {}
            Command::Exit | Command::ExitKeeping => self.daemon = None,
        }
    }

    fn message(&self, to: Slot, network: Network, message: Message) -> Packet {
        let incarnation = self.kernel.config.incarnation;
        let body = Body::Message {
            incarnation,
            message,
        };
        Packet {
            from: self.slot,
            to,
            network,
            body,
        }
    }

    fn probe(&mut self, network: Network, question: &Question, at: u32, outcome: &mut Outcome) {
        self.ask(network, Kind::Probe, question, at, outcome);
        let answers_at = question.sent + self.kernel.period() / 4;
        if let Some(daemon) = &mut self.daemon {
            daemon.answers_at = Some(answers_at);
        }
    }

    fn ask(
        &mut self,
        network: Network,
        kind: Kind,
        question: &Question,
        at: u32,
        outcome: &mut Outcome,
    ) {
        let Some(asks_by) = self.daemon.as_ref().map(|daemon| daemon.asks_by) else {
            return;
        };
        let config = &self.kernel.config;
        let frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: asks_by.version,
            elector_digest: asks_by.digest(),
            incarnation: config.incarnation,
            sender: self.slot,
            successor: question.successor,
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            lease_us: u32::try_from(question.lease.as_micros()).expect("a lease is short"),
            service_age_us: AGE_UNKNOWN,
            stride: question.stride,
            offset: question.offset,
            config_digest: config.config_digest,
            ..Frame::default()
        };
        let sent = Sent {
            epoch: question.epoch.0,
            sequence: question.sequence,
            sent_ns: question.sent.0,
            kind: kind as u64,
        };
        let now = self.now(at);
        self.kernel.record(sent, now.0);
        for to in self.kernel.members().iter().filter(|to| **to != self.slot) {
            outcome.packets.push(Packet {
                from: self.slot,
                to: *to,
                network,
                body: Body::Frame(Box::new(frame)),
            });
        }
    }
}

/// Whether what this does is seen by the kernel program or outlives the daemon. A question or message that is sent
/// late is one that arrives late, so a pause before it is not one of its own.
const fn is_visible(command: &Command) -> bool {
    match command {
        Command::Promise(_)
        | Command::VoteGrant { .. }
        | Command::Lease { .. }
        | Command::GateShut
        | Command::Released(_)
        | Command::Abstain(_)
        | Command::Electors(_)
        | Command::ExitKeeping => true,
        Command::Forced(_)
        | Command::Floor(_)
        | Command::SaveElectors(_)
        | Command::Role(_)
        | Command::Eligible(_)
        | Command::Probe(_)
        | Command::ProbeBusiness(_)
        | Command::Query(_)
        | Command::QueryBusiness(_)
        | Command::Send { .. }
        | Command::AddAddresses(_)
        | Command::RemoveAddresses(_)
        | Command::RoleChanged { .. }
        | Command::Alarm(..)
        | Command::OrderAnswer(_)
        | Command::Exit => false,
    }
}

fn fresh_kernel(
    scope: &Scope,
    slot: Slot,
    record: &ElectorRecord,
    members: Arc<[Slot]>,
    life: u64,
) -> Kernel {
    let timing = scope.timing();
    let mut words = maps::Config {
        cluster_id: 1,
        incarnation: u64::from(slot) * 1_000 + life,
        created_ns: 1,
        config_digest: 99,
        detect_ns: nanos(timing.lease()),
        own_address: address_of(slot, Network::Management),
        business_address: address_of(slot, Network::Business),
        slot,
        ..maps::Config::default()
    };
    set_electors(&mut words, record);
    Kernel::new(words, members, timing.period)
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
    config.max_lease_ns = nanos(longest);
    config.is_elector = u16::from(is_elector);
}
