//! Events for one node, by a driver that keeps its side of the contract and hears anything from the others.

use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_core::command::Question;
use heartbeat_core::config::{Config, FenceRule, Handovers, Member, Mode, PairRules, Timing};
use heartbeat_core::event::{KernelWords, Order, QueryAnswer, Refusal, Reply, Restored};
use heartbeat_core::message::Network;
use heartbeat_core::pair::{LastRole, PairRecord};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, ElectorRecord, Epoch, Event, Instant, Node, Slot};
use heartbeat_user::net::codec::decode;

use super::bytes::Bytes;

const OWN: Slot = 2;
const SLOTS: u16 = 5;
/// Long after the maps were created.
const START: Instant = Instant(100_000_000_000);
const TIMING: Timing = Timing {
    period: Duration::from_millis(10),
    multiplier: 5,
    max_lease: Duration::from_millis(500),
    restart_lease: Duration::from_millis(500),
};
/// Most events of one story.
const MOST_EVENTS: usize = 2_000;

/// No event makes the node panic, its lease is never longer than any may be, and who is not master has its gate
/// shut.
pub(super) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut driver = Driver::new(&mut bytes);
    for _ in 0..MOST_EVENTS {
        if bytes.is_empty() {
            return;
        }
        driver.step(&mut bytes);
        driver.check();
    }
}

struct Driver {
    node: Node,
    now: Instant,
    words: KernelWords,
    /// The newest question.
    asked: Option<Question>,
    replies: Vec<Reply>,
    saving: Option<ElectorRecord>,
    /// The newest question to the references of a pair, and run of its fence command.
    reference: u64,
    fence: u64,
    /// When the gate shuts by itself.
    open_until: Instant,
    has_ended: bool,
}

fn config() -> Config {
    let member = |slot| {
        let member = Member {
            elector: slot <= 4,
            witness: slot == 4,
            business: slot != 4,
        };
        (slot, member)
    };
    Config {
        slot: OWN,
        members: (1..=SLOTS).map(member).collect(),
        elector_version: 1,
        elector_digest: 77,
        config_digest: 99,
        timing: TIMING,
        preempt_after: None,
        handovers: Handovers::DEFAULT,
        mode: Mode::Quorum,
        takeover: BTreeSet::new(),
    }
}

/// A pair by rules that these bits choose.
fn pair(bits: u8) -> Config {
    let member = Member {
        elector: true,
        witness: false,
        business: true,
    };
    Config {
        members: [(1, member), (OWN, member)].into(),
        mode: Mode::Pair(PairRules {
            business_silent: bits & 16 == 0,
            references: bits >> 5 & 3,
            fence: (bits & 128 != 0).then_some(FenceRule {
                delay: TIMING.period,
            }),
        }),
        ..config()
    }
}

/// An epoch that some node may have: few rounds, so that they meet.
fn epoch(bytes: &mut Bytes<'_>) -> Epoch {
    let byte = bytes.byte();
    Epoch::new(u64::from(byte >> 3), u16::from(byte & 7))
}

fn short_time(bytes: &mut Bytes<'_>) -> Duration {
    Duration::from_micros(u64::from(bytes.short()) * 8)
}

impl Driver {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let first = bytes.byte();
        let config = if first & 4 == 0 {
            config()
        } else {
            pair(first)
        };
        let restored = Restored {
            incarnation: 20,
            created: START,
            maps_kept: first & 1 != 0,
            pair: (first & 8 != 0).then_some(PairRecord {
                last: LastRole::Master,
                epoch: Epoch::new(1, OWN),
                active: None,
            }),
            seed: bytes.long(),
            saved_floor: epoch(bytes),
            ..Restored::default()
        };
        let mut driver = Self {
            node: Node::new(config, restored, START),
            now: START,
            words: KernelWords::default(),
            asked: None,
            replies: Vec::new(),
            saving: None,
            reference: 0,
            fence: 0,
            open_until: Instant::ZERO,
            has_ended: false,
        };
        driver.carry_out();
        driver
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) {
        let kind = bytes.byte();
        self.now = self.now + short_time(bytes);
        self.hear(kind >> 4, bytes);
        if self.has_ended {
            return;
        }
        if self.node.poll_timeout().is_some_and(|at| at <= self.now) {
            self.handle(Event::Kernel(self.words));
            self.node.handle_timeout(self.now);
            self.carry_out();
        }
        match kind & 15 {
            0..3 => {
                let replies = std::mem::take(&mut self.replies);
                self.handle(Event::Turn {
                    kernel: self.words,
                    replies: &replies,
                    lateness: short_time(bytes),
                    raw_ns: self.now.0,
                });
                self.replies = replies;
            }
            3..5 => {
                let replies = std::mem::take(&mut self.replies);
                self.handle(Event::Answers {
                    kernel: self.words,
                    replies: &replies,
                });
                self.replies = replies;
            }
            5..7 => self.answer(bytes),
            7 => self.handle(Event::Refusal(Refusal {
                from: u16::from(bytes.byte() % 7),
                epoch: self.asked.map_or(epoch(bytes), |asked| asked.epoch),
                promised: epoch(bytes),
                probed: epoch(bytes),
            })),
            8..13 => self.message(bytes),
            13 => self.order(bytes),
            14 => self.outside(bytes),
            _ => {
                if let Some(record) = self.saving.take() {
                    self.handle(Event::ElectorsSaved(record));
                }
            }
        }
    }

    /// What the kernel may have seen meanwhile: probes of others, answers to the newest question.
    fn hear(&mut self, what: u8, bytes: &mut Bytes<'_>) {
        if what & 1 != 0 {
            let probed = epoch(bytes);
            if probed.slot() != OWN && probed >= self.words.probed {
                let end = self.now + short_time(bytes).min(TIMING.max_lease);
                self.words = KernelWords {
                    grant_end: self.words.grant_end.max(end),
                    probed,
                    arrival: self.now,
                    holder_incarnation: u64::from(probed.slot()) * 10,
                    successor: u16::from(bytes.byte() % 6),
                    ..self.words
                };
            }
        }
        if let (true, Some(asked)) = (what & 2 != 0, self.asked) {
            let slot = u16::from(bytes.byte() % 6);
            if slot != OWN && slot != 0 {
                self.replies.retain(|reply| reply.slot != slot);
                self.replies.push(Reply {
                    slot,
                    granted_sequence: asked.sequence,
                    granted_sent: asked.sent,
                    sequence: asked.sequence,
                    epoch: asked.epoch,
                    arrival: self.now,
                    incarnation: u64::from(slot) * 10 + u64::from(bytes.byte() & 1),
                    flags: bytes.byte(),
                    elector_version: 1,
                    elector_digest: 77,
                    config_digest: 99,
                    ..Reply::default()
                });
                self.replies.sort_by_key(|reply| reply.slot);
            }
        }
    }

    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let answer = QueryAnswer {
            from: u16::from(bytes.byte() % 7),
            sequence: self.asked.map_or(0, |asked| asked.sequence),
            arrival: self.now,
            incarnation: u64::from(bytes.byte()),
            promised: epoch(bytes),
            probed: epoch(bytes),
            grant_left: if bytes.byte() & 1 == 0 {
                Duration::ZERO
            } else {
                short_time(bytes)
            },
            abstains: bytes.byte() & 7 == 0,
            elector_version: 1,
            elector_digest: 77,
            info_version: 0,
            ..QueryAnswer::default()
        };
        self.handle(Event::QueryAnswer(answer));
    }

    /// Any message that can be read, of a length that the bytes name.
    fn message(&mut self, bytes: &mut Bytes<'_>) {
        let from = u16::from(bytes.byte() % 7);
        let incarnation = u64::from(from) * 10 + u64::from(bytes.byte() & 1);
        let (epoch, nonce) = (epoch(bytes), bytes.long());
        let length = usize::from(bytes.byte()).min(bytes.0.len());
        let (body, rest) = bytes.0.split_at(length);
        let message = decode(epoch, nonce, body);
        bytes.0 = rest;
        let network = if nonce & 1 == 0 {
            Network::Management
        } else {
            Network::Business
        };
        if let Ok(message) = message {
            self.handle(Event::Message {
                from,
                incarnation,
                network,
                message,
            });
        }
    }

    /// A reference's answer, or the end of a fence command; now and then one that nobody waits for. Or the business
    /// link's carrier comes or goes.
    fn outside(&mut self, bytes: &mut Bytes<'_>) {
        let byte = bytes.byte();
        let off = u64::from(byte >> 6);
        self.handle(if byte & 0x30 == 0x30 {
            Event::Carrier(byte & 1 == 0)
        } else if byte & 1 == 0 {
            Event::ReferenceAnswer {
                id: self.reference.wrapping_sub(off),
                reference: byte >> 1 & 3,
            }
        } else {
            Event::Fenced {
                id: self.fence.wrapping_sub(off),
                done: byte & 2 == 0,
            }
        });
    }

    fn order(&mut self, bytes: &mut Bytes<'_>) {
        let order = match bytes.byte() % 8 {
            0 => Order::Switchover(None),
            1 => Order::Switchover(Some(u16::from(bytes.byte() % 7))),
            2 => Order::Maintenance(true),
            3 => Order::Maintenance(false),
            4 => Order::Restart,
            5 => Order::Force,
            6 => Order::Electors(heartbeat_core::ElectorSet {
                version: 2,
                slots: heartbeat_core::Slots::new((1..=SLOTS).take(usize::from(bytes.byte() % 6)))
                    .expect("few"),
                max_lease: TIMING.max_lease,
            }),
            _ => Order::Stop,
        };
        self.handle(Event::Order(order));
    }

    fn handle(&mut self, event: Event<'_>) {
        if !self.has_ended {
            self.node.handle(event, self.now);
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.node.poll_command() {
            match command {
                Command::Promise(epoch) => {
                    let kernel = self.words;
                    self.node
                        .handle(Event::Promised { epoch, kernel }, self.now);
                }
                Command::Lease { deadline, .. } => self.open_until = deadline,
                Command::GateShut => self.open_until = Instant::ZERO,
                Command::Probe(question)
                | Command::ProbeBusiness(question)
                | Command::Query(question)
                | Command::QueryBusiness(question) => self.asked = Some(question),
                Command::SaveElectors(record) => self.saving = Some(record),
                Command::AskReference { id } => self.reference = id,
                Command::Fence { id, .. } => self.fence = id,
                Command::Exit | Command::ExitKeeping => self.has_ended = true,
                _ => {}
            }
        }
    }

    fn check(&self) {
        let snapshot = self.node.snapshot(self.now);
        let left = self.open_until.since(self.now);
        assert!(
            left <= TIMING.max_lease,
            "no lease is longer than max_lease: {left:?}"
        );
        assert!(
            snapshot.role == Role::Master || left.is_zero() || self.has_ended,
            "a {:?} has its gate open for {left:?}",
            snapshot.role
        );
    }
}
