//! One machine: its kernel, its disk, and its daemon with the driver's habits.

use heartbeat_core::command::Question;
use heartbeat_core::event::{Order, Restored};
use heartbeat_core::message::{Message, Network};
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_core::{Command, Config, Epoch, Event, Instant, Node, Slot};
use heartbeat_wire::frame::{AGE_UNKNOWN, Frame, Kind, MAGIC, VERSION, flag, role};
use heartbeat_wire::maps::{self, Sent};

use super::clock::Clock;
use super::kernel::{Kernel, Ring};

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
    /// A probe or query, to every other member.
    Multicast(Frame),
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
    pub(crate) inbox: Vec<Datagram>,
    pub(crate) orders: Vec<Order>,
    pub(crate) next_turn: Instant,
    /// When the answers to the newest probe are read, between two turns.
    answers_at: Option<Instant>,
    pub(crate) floor: Epoch,
    pub(crate) out: Vec<Out>,
    pub(crate) changes: Vec<Change>,
    pub(crate) answers: Vec<Result<OrderDone, OrderError>>,
    /// Epochs under which this machine took the addresses, except on a lease taken up.
    pub(crate) taken: Vec<Epoch>,
    pub(crate) has_addresses: bool,
    pub(crate) has_exited: bool,
    seed: u64,
}

impl Machine {
    pub(crate) fn new(config: Config, clock: Clock, seed: u64) -> Self {
        let kernel = fresh_kernel(&config, seed, 0);
        Self {
            slot: config.slot,
            clock,
            kernel,
            config,
            is_on: true,
            node: None,
            frozen_until: 0,
            inbox: Vec::new(),
            orders: Vec::new(),
            next_turn: Instant::ZERO,
            answers_at: None,
            floor: Epoch::NONE,
            out: Vec::new(),
            changes: Vec::new(),
            answers: Vec::new(),
            taken: Vec::new(),
            has_addresses: false,
            has_exited: false,
            seed,
        }
    }

    /// Starts the daemon at true time `at`.
    pub(crate) fn start(&mut self, maps: Maps, at: u64) {
        let boot = self.clock.boot(at);
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if maps != Maps::Kept {
            self.kernel = fresh_kernel(&self.config, self.seed, boot);
            if maps == Maps::Lost {
                let until = boot + heartbeat_core::time::nanos(self.config.timing.abstention());
                self.kernel.control.abstain_until_ns = until;
            }
        }
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
            seed: self.seed,
        };
        self.next_turn = Instant(boot);
        self.answers_at = None;
        self.inbox.clear();
        self.has_exited = false;
        self.node = Some(Node::new(self.config.clone(), restored, Instant(boot)));
        self.carry_out(at);
    }

    /// The daemon is gone at once; the kernel goes on.
    pub(crate) fn kill(&mut self) {
        self.node = None;
        self.inbox.clear();
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
        Some(self.clock.when(timeout.0).max(self.frozen_until))
    }

    /// One wake-up: it read the clock at true time `read_at` and acts at `at`.
    pub(crate) fn wake(&mut self, read_at: u64, at: u64) {
        assert!(read_at <= at && at >= self.frozen_until);
        let now = Instant(self.clock.boot(read_at));
        if now >= self.next_turn {
            self.turn(now, read_at, at);
        } else if self.answers_at.is_some_and(|due| due <= now) {
            self.answers_at = None;
            let replies = self.kernel.replies();
            let kernel = self.kernel.words();
            self.handle(
                Event::Answers {
                    kernel,
                    replies: &replies,
                },
                now,
                at,
            );
        } else {
            self.handle(Event::Kernel(self.kernel.words()), now, at);
        }
        for ring in std::mem::take(&mut self.kernel.ring) {
            let event = match ring {
                Ring::QueryAnswer(answer) => Event::QueryAnswer(answer),
                Ring::Refusal(refusal) => Event::Refusal(refusal),
                Ring::Look => Event::Kernel(self.kernel.words()),
            };
            self.handle(event, now, at);
        }
        for datagram in std::mem::take(&mut self.inbox) {
            let Datagram {
                from,
                incarnation,
                network,
                message,
            } = datagram;
            self.handle(
                Event::Message {
                    from,
                    incarnation,
                    network,
                    message,
                },
                now,
                at,
            );
        }
        for order in std::mem::take(&mut self.orders) {
            self.handle(Event::Order(order), now, at);
        }
        self.run_timeout(at);
    }

    fn run_timeout(&mut self, at: u64) {
        let now = Instant(self.clock.boot(at));
        let Some(node) = &self.node else { return };
        if node.poll_timeout().is_none_or(|timeout| timeout > now) {
            return;
        }
        self.handle(Event::Kernel(self.kernel.words()), now, at);
        let Some(node) = &mut self.node else { return };
        node.handle_timeout(now);
        self.carry_out(at);
        if let Some(node) = &self.node {
            let next = node.poll_timeout();
            assert!(
                next.is_none_or(|next| next > now),
                "a timeout that was handled is over"
            );
        }
    }

    fn turn(&mut self, now: Instant, read_at: u64, at: u64) {
        let lateness = now.since(self.next_turn);
        let replies = self.kernel.replies();
        self.kernel.control.beat_ns = now.0;
        let raw_ns = self.clock.raw(read_at);
        let event = Event::Turn {
            kernel: self.kernel.words(),
            replies: &replies,
            lateness,
            raw_ns,
        };
        self.handle(event, now, at);
        let period = self.config.timing.period;
        self.next_turn = self.next_turn + period;
        if self.next_turn <= now {
            self.next_turn = now + period;
        }
    }

    fn handle(&mut self, event: Event<'_>, now: Instant, at: u64) {
        let Some(node) = &mut self.node else { return };
        node.handle(event, now);
        self.carry_out(at);
    }

    fn carry_out(&mut self, at: u64) {
        while let Some(command) = self.node.as_mut().and_then(Node::poll_command) {
            self.carry_out_one(command, at);
        }
    }

    fn carry_out_one(&mut self, command: Command, at: u64) {
        let control = &mut self.kernel.control;
        match command {
            Command::Promise(epoch) => {
                control.promised_epoch = control.promised_epoch.max(epoch.0);
                let now = Instant(self.clock.boot(at));
                let kernel = self.kernel.words();
                let node = self.node.as_mut().expect("it gave the command");
                node.handle(Event::Promised { epoch, kernel }, now);
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
            Command::Role(role) => control.role = role_number(role).into(),
            Command::Eligible(eligible) => {
                control.flags = if eligible { flag::ELIGIBLE.into() } else { 0 }
            }
            Command::Probe(question) => {
                self.ask(Kind::Probe, &question);
                self.answers_at = Some(question.sent + self.config.timing.period / 4);
            }
            Command::Query(question) => self.ask(Kind::Query, &question),
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
                self.taken.push(epoch);
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
                if reason == Reason::LeaseTakenUp {
                    self.taken.pop();
                }
                self.changes.push(Change {
                    at,
                    from,
                    to,
                    reason,
                    epoch,
                });
            }
            Command::Alarm(..) => {}
            Command::OrderAnswer(answer) => self.answers.push(answer),
            Command::Exit => {
                self.has_exited = true;
                self.node = None;
            }
        }
    }

    fn ask(&mut self, kind: Kind, question: &Question) {
        let (config, control) = (&self.kernel.config, &self.kernel.control);
        let lease_us = u32::try_from(question.lease.as_micros()).expect("a lease is short");
        let frame = Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: config.elector_version,
            elector_digest: config.elector_digest,
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
        self.out.push(Out::Multicast(frame));
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.node
            .as_ref()
            .map(|node| node.snapshot(Instant::ZERO).role)
    }
}

fn fresh_kernel(config: &Config, incarnation: u64, created_ns: u64) -> Kernel {
    let words = maps::Config {
        cluster_id: 1,
        incarnation,
        created_ns,
        config_digest: config.config_digest,
        max_lease_ns: heartbeat_core::time::nanos(config.timing.max_lease),
        detect_ns: heartbeat_core::time::nanos(config.timing.lease()),
        elector_version: config.elector_version,
        elector_digest: config.elector_digest,
        slot: config.slot,
        is_elector: u16::from(config.is_elector(config.slot)),
        ..maps::Config::default()
    };
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
