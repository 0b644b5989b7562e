//! The election runs in the pulse, which allocates nothing once it is under way: turns of a slave and of a
//! master are counted.

use std::time::Duration;

use allocation_counter::measure;
use heartbeat_core::command::Question;
use heartbeat_core::config::{Config, Member, Timing};
use heartbeat_core::event::{KernelWords, QueryAnswer, Reply, Restored};
use heartbeat_core::message::{Message, Network, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Epoch, Event, Instant, Node, Slot};
use heartbeat_wire::frame::{flag, role};

const PERIOD: Duration = Duration::from_millis(10);
const START: Instant = Instant(10_000_000_000);
const OTHERS: [Slot; 2] = [2, 3];
const TURNS: u64 = 1_000;

/// Slot 1 of three, in a world that always answers.
struct World {
    node: Node,
    now: Instant,
    kernel: KernelWords,
    replies: [Reply; 2],
    asked: Option<Question>,
    requested: Option<(Epoch, u64)>,
    /// Messages with the members' health, which carry a list each.
    told: u64,
}

impl World {
    fn new() -> Self {
        let member = Member {
            elector: true,
            witness: false,
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
        };
        let restored = Restored {
            incarnation: 10,
            created: Instant(1),
            maps_kept: true,
            seed: 5,
            ..Restored::default()
        };
        Self {
            node: Node::new(config, restored, START),
            now: START,
            kernel: KernelWords::default(),
            replies: OTHERS.map(reply),
            asked: None,
            requested: None,
            told: 0,
        }
    }

    /// One period: a turn, and what its commands lead to.
    fn turn(&mut self) {
        self.now = self.now + PERIOD;
        let turn = Event::Turn {
            kernel: self.kernel,
            replies: &self.replies,
            lateness: Duration::ZERO,
            raw_ns: self.now.0,
        };
        self.node.handle(turn, self.now);
        self.carry_out();
        for from in OTHERS {
            self.answer(from);
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
                Command::Probe(question) => {
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
    fn until(&mut self, role: Role) {
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

#[test]
fn a_masters_turns_allocate_nothing_but_the_lists_of_members_health() {
    let mut world = World::new();
    world.until(Role::Master);
    // Alarms of the start are raised and cleared, every buffer has been used.
    (0..TURNS).for_each(|_| world.turn());
    let told_before = world.told;
    let counted = measure(|| (0..TURNS).for_each(|_| world.turn()));
    let lists = world.told - told_before;
    assert_eq!(world.node.snapshot(world.now).role, Role::Master);
    // Each second to each of the two others, for ten seconds.
    assert_eq!(lists, 20, "the master was at work");
    assert_eq!(counted.count_total, lists, "{counted:?}");
}

#[test]
fn a_slaves_turns_allocate_nothing() {
    let mut world = World::new();
    world.kernel.probed = Epoch::new(1, 2);
    world.kernel.holder_incarnation = 20;
    let probed = |world: &mut World| {
        world.kernel.arrival = world.now;
        world.kernel.grant_end = world.now + PERIOD * 5;
    };
    for _ in 0..TURNS {
        probed(&mut world);
        world.turn();
    }
    assert_eq!(world.node.snapshot(world.now).role, Role::Slave);
    let counted = measure(|| {
        for _ in 0..TURNS {
            probed(&mut world);
            world.turn();
        }
    });
    let now = world.node.snapshot(world.now);
    assert_eq!((now.role, now.master), (Role::Slave, Some(2)));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert_eq!(counted.count_total, 1);
}
