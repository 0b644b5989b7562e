//! One node in a world of two others, driven as the pulse drives it, without a clock.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use heartbeat_core::command::Question;
use heartbeat_core::config::{Config, Handovers, Member, Mode, Timing};
use heartbeat_core::event::{KernelWords, QueryAnswer, Reply, Restored};
use heartbeat_core::message::{Message, Network, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Epoch, Event, Instant, Slot};
use heartbeat_user::recorder::{Birth, RecordedNode, Tap};
use heartbeat_wire::frame::{flag, role};

pub(crate) const PERIOD: Duration = Duration::from_millis(10);
const START: Instant = Instant(10_000_000_000);
const OTHERS: [Slot; 2] = [2, 3];

/// Slot 1 of three, in a world that always answers.
pub(crate) struct World {
    pub(crate) node: RecordedNode,
    pub(crate) now: Instant,
    pub(crate) kernel: KernelWords,
    /// Whether the others answer at all.
    pub(crate) is_answered: bool,
    replies: [Reply; 2],
    asked: Option<Question>,
    requested: Option<(Epoch, u64)>,
    /// Messages with the members' health, which carry a list each.
    pub(crate) told: u64,
}

impl World {
    /// How its node begins.
    pub(crate) fn birth() -> Birth {
        let member = Member {
            elector: true,
            witness: false,
            business: false,
        };
        let config = Config {
            slot: 1,
            members: (1..=3).map(|slot| (slot, member)).collect(),
            elector_version: 1,
            elector_digest: 7,
            config_digest: 9,
            timing: Timing {
                period: PERIOD,
                multiplier: 5,
                max_lease: PERIOD * 20,
                restart_lease: PERIOD * 20,
            },
            preempt_after: None,
            handovers: Handovers::DEFAULT,
            mode: Mode::Quorum,
            takeover: BTreeSet::new(),
        };
        let restored = Restored {
            incarnation: 10,
            created: Instant(1),
            maps_kept: true,
            seed: 5,
            ..Restored::default()
        };
        Birth {
            config,
            restored,
            now: START,
        }
    }

    /// A world whose node is recorded by this, or not.
    pub(crate) fn new(tap: Option<Tap>) -> Self {
        let mut world = Self {
            node: RecordedNode::new(Self::birth().node(), tap),
            now: START,
            is_answered: true,
            kernel: KernelWords::default(),
            replies: OTHERS.map(reply),
            asked: None,
            requested: None,
            told: 0,
        };
        world.carry_out();
        world
    }

    /// One period: a turn, and what its commands lead to.
    pub(crate) fn turn(&mut self) {
        self.now = self.now + PERIOD;
        let turn = Event::Turn {
            kernel: self.kernel,
            replies: &self.replies,
            lateness: Duration::ZERO,
            raw_ns: self.now.0,
        };
        self.node.handle(turn, self.now);
        self.carry_out();
        if self.is_answered {
            OTHERS.iter().for_each(|from| self.answer(*from));
        }
        if self.node.poll_timeout().is_some_and(|at| at <= self.now) {
            self.node.handle_timeout(self.now);
            self.carry_out();
        }
        self.node.settle();
    }

    /// So many turns, at a pace that the recorder's thread keeps: the world runs faster than any clock.
    pub(crate) fn turns(&mut self, count: u32) {
        for turn in 1..=count {
            self.turn();
            if turn.is_multiple_of(50) {
                sleep(Duration::from_millis(3));
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.node.poll_command() {
            match command {
                Command::Promise(epoch) => {
                    let kernel = self.kernel;
                    self.node
                        .handle(Event::Promised { epoch, kernel }, self.now);
                }
                Command::Query(question) | Command::QueryBusiness(question) => {
                    self.asked = Some(question);
                }
                Command::Probe(question) if self.is_answered => {
                    self.replies = self.replies.map(|it| granted(it, &question));
                }
                Command::Send {
                    message: Message::VoteRequest { epoch, id, .. },
                    ..
                } => self.requested = Some((epoch, id)),
                Command::Send {
                    message: Message::Health { .. },
                    ..
                } => self.told += 1,
                _ => {}
            }
        }
    }

    fn answer(&mut self, from: Slot) {
        if let Some(question) = self.asked {
            let answer = QueryAnswer {
                from,
                sequence: question.sequence,
                arrival: self.now,
                incarnation: u64::from(from) * 10,
                elector_version: 1,
                elector_digest: 7,
                ..QueryAnswer::default()
            };
            self.node.handle(Event::QueryAnswer(answer), self.now);
            self.carry_out();
        }
        if let Some((epoch, id)) = self.requested {
            let vote = Event::Message {
                from,
                incarnation: u64::from(from) * 10,
                network: Network::Management,
                message: Message::Vote {
                    epoch,
                    id,
                    answer: VoteAnswer::Granted,
                    info_version: 0,
                },
            };
            self.node.handle(vote, self.now);
            self.carry_out();
        }
    }

    /// Turns until this node is `role`.
    pub(crate) fn until(&mut self, role: Role) {
        let is_it = |world: &Self| world.node.snapshot(world.now).role == role;
        for _ in 0..500 {
            if is_it(self) {
                (self.asked, self.requested) = (None, None);
                return;
            }
            self.turn();
        }
        panic!(
            "no {role:?} after 500 turns: {:?}",
            self.node.snapshot(self.now)
        );
    }
}

fn reply(slot: Slot) -> Reply {
    Reply {
        slot,
        incarnation: u64::from(slot) * 10,
        daemon_age: Some(Duration::ZERO),
        flags: flag::ELIGIBLE,
        role: role::SLAVE,
        elector_version: 1,
        elector_digest: 7,
        config_digest: 9,
        ..Reply::default()
    }
}

/// A member's record once it has answered that probe.
fn granted(reply: Reply, question: &Question) -> Reply {
    let rtt = Duration::from_micros(50);
    Reply {
        granted_sequence: question.sequence,
        granted_sent: question.sent,
        sequence: question.sequence,
        epoch: question.epoch,
        arrival: question.sent + rtt,
        rtt,
        ..reply
    }
}
