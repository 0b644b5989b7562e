//! Who is reachable over the business network, who is to blame, and what a master does about it.

use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_core::event::Reply;
use heartbeat_core::message::{BusinessSide, Message, Network};
use heartbeat_core::snapshot::{Alarm, Diagnosis, Reason, Role};
use heartbeat_core::{Command, Config, Event, Instant, Slot};
use heartbeat_wire::frame::flag;

use super::bench::*;

const OTHERS: [Slot; 3] = [1, 3, 4];
/// A row of questions, and an answer's time after the last one.
const ROW: u64 = 1_000;

/// Slot 2 as master of a cluster with a business network, and the others as they answer.
struct World {
    bench: Bench,
    now: Instant,
    /// Whom its questions over the business network reach.
    reached: BTreeSet<Slot>,
    /// Who hears others there.
    hears: BTreeSet<Slot>,
    /// Whose link has its carrier.
    carriers: BTreeSet<Slot>,
    /// Whether daemons live; kernels do.
    daemon_age: Duration,
    /// Questions over the business network, by slot.
    asked: Vec<Slot>,
    /// Alarms raised and cleared.
    alarms: Vec<(Alarm, bool)>,
}

fn everybody() -> BTreeSet<Slot> {
    OTHERS.into()
}

impl World {
    /// All have a place on the business network but these.
    fn without(off: &[Slot]) -> Self {
        let mut config: Config = config(2);
        for (slot, member) in &mut config.members {
            member.business = !off.contains(slot);
        }
        let (mut bench, _) = Bench::new(config, restored(2));
        bench.turn(&[], START);
        bench.kernel(probed(heartbeat_core::Epoch::new(4, 1), ms(10), 2), ms(10));
        bench.timeout(ms(60));
        bench.answer(3, Duration::ZERO, ms(61));
        bench.vote(3, heartbeat_core::message::VoteAnswer::Granted, ms(62));
        let mut world = Self {
            bench,
            now: ms(63),
            reached: everybody(),
            hears: everybody(),
            carriers: everybody(),
            daemon_age: Duration::ZERO,
            asked: Vec::new(),
            alarms: Vec::new(),
        };
        world.run(3_300);
        assert_eq!(world.role().0, Role::Master);
        world.asked.clear();
        world
    }

    fn new() -> Self {
        Self::without(&[])
    }

    /// Until the next question to slot 1 left over the business network.
    fn run_to_question(&mut self) {
        let before = self.times_asked(1);
        (0..1_200)
            .find(|_| {
                self.run(10);
                self.times_asked(1) > before
            })
            .expect("a round every 10 s");
    }

    /// So many milliseconds in which all answer over the management network, or until mastership was left.
    fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.now < end && self.role().0 == Role::Master {
            let replies = OTHERS.map(|slot| self.reply(slot));
            self.now = self.now + TIMING.period;
            let commands = self.bench.turn(&replies, self.now);
            self.carry_out(commands);
        }
    }

    fn reply(&self, slot: Slot) -> Reply {
        let eligible = if slot == 1 { flag::ELIGIBLE } else { 0 };
        Reply {
            daemon_age: Some(self.daemon_age),
            flags: eligible,
            ..self.bench.reply(slot, self.now)
        }
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Send {
                    to,
                    network: Network::Business,
                    message: Message::Poll { id },
                } => {
                    self.asked.push(to);
                    if self.reached.contains(&to) {
                        let votes = true;
                        self.told(to, Network::Business, Message::PollAnswer { id, votes });
                    }
                }
                Command::Send {
                    to,
                    network: Network::Management,
                    message: Message::Poll { id },
                } => {
                    let votes = true;
                    self.told(to, Network::Management, Message::PollAnswer { id, votes });
                }
                Command::Send {
                    to,
                    network: Network::Management,
                    message: Message::SideAsk { id },
                } => {
                    let side = BusinessSide {
                        has_carrier: self.carriers.contains(&to),
                        heard_ago: Some(if self.hears.contains(&to) {
                            Duration::from_millis(3)
                        } else {
                            Duration::from_secs(9)
                        }),
                    };
                    self.told(to, Network::Management, Message::SideTell { id, side });
                }
                Command::Alarm(alarm, is_raised) => self.alarms.push((alarm, is_raised)),
                _ => {}
            }
        }
    }

    fn told(&mut self, from: Slot, network: Network, message: Message) {
        let event = Event::Message {
            from,
            incarnation: life(from),
            network,
            message,
        };
        let commands = self.bench.handle(event, self.now);
        self.carry_out(commands);
    }

    fn carrier(&mut self, is_there: bool) {
        let commands = self.bench.handle(Event::Carrier(is_there), self.now);
        self.carry_out(commands);
    }

    fn diagnosis(&self, slot: Slot) -> Diagnosis {
        let members = self.bench.node.snapshot(self.now).members;
        members[usize::from(slot) - 1].diagnosis
    }

    fn role(&self) -> (Role, Reason) {
        let snapshot = self.bench.node.snapshot(self.now);
        (snapshot.role, snapshot.reason)
    }

    fn times_asked(&self, slot: Slot) -> usize {
        self.asked.iter().filter(|asked| **asked == slot).count()
    }

    /// No link of this node to the others works any more.
    fn cut(&mut self) {
        self.reached.clear();
    }
}

#[test]
fn a_member_that_answers_none_of_five_questions_has_a_fault_and_one_that_answers_one_has_none() {
    let mut world = World::new();
    world.reached.remove(&1);
    world.run_to_question();
    world.run(ROW - 250);
    assert_eq!(world.times_asked(1), 4, "it is asked again at once");
    world.reached.insert(1);
    world.run(3_000);
    assert_eq!(
        (world.diagnosis(1), world.times_asked(1)),
        (Diagnosis::Healthy, 5)
    );
    world.reached.remove(&1);
    world.run_to_question();
    world.run(ROW - 20);
    assert_eq!(world.diagnosis(1), Diagnosis::Healthy);
    assert_eq!(world.alarms, []);
    world.run(30);
    assert_eq!(world.diagnosis(1), Diagnosis::BusinessFault);
    let fault = Alarm::Member(1, Diagnosis::BusinessFault);
    assert_eq!(world.alarms, [(fault, true)]);
    assert_eq!(world.bench.node.snapshot(world.now).successor, None);
    world.reached.insert(1);
    world.run(2_000);
    assert_eq!(world.diagnosis(1), Diagnosis::Healthy);
    assert_eq!(world.alarms, [(fault, true), (fault, false)]);
    assert_eq!(world.bench.node.snapshot(world.now).successor, Some(1));
}

#[test]
fn who_has_no_place_on_the_network_is_neither_asked_nor_judged() {
    let mut world = World::without(&[4]);
    world.reached.remove(&4);
    world.run(12_000);
    assert_eq!(world.diagnosis(4), Diagnosis::Healthy);
    world.reached.remove(&3);
    world.run(12_000);
    assert_eq!(
        world.diagnosis(3),
        Diagnosis::BusinessFault,
        "the witness: who has is"
    );
    assert_eq!(world.diagnosis(4), Diagnosis::Healthy);
}

#[test]
fn a_stalled_daemon_answers_no_poll_and_has_no_fault_of_the_network() {
    let mut world = World::new();
    world.daemon_age = Duration::from_secs(1);
    world.reached.clear();
    world.run(13_000);
    for slot in OTHERS {
        assert_eq!(world.diagnosis(slot), Diagnosis::DaemonStalled);
    }
    assert_eq!(world.role().0, Role::Master);
}

#[test]
fn a_master_that_nobody_answers_while_others_hear_each_other_hands_over() {
    let mut world = World::new();
    world.cut();
    world.run(10_000 + 2 * ROW + 500);
    assert_eq!(world.role(), (Role::Slave, Reason::BusinessLost));
    for slot in [1, 3, 4] {
        let fault = Alarm::Member(slot, Diagnosis::BusinessFault);
        assert!(
            !world.alarms.contains(&(fault, true)),
            "slot {slot} is well"
        );
    }
    assert!(world.alarms.contains(&(Alarm::Business, true)));
    assert_eq!(
        world.alarms.last(),
        Some(&(Alarm::Business, false)),
        "the next one judges"
    );
}

#[test]
fn a_network_on_which_nobody_hears_anybody_moves_nothing_and_is_told() {
    let mut world = World::new();
    world.cut();
    world.hears.clear();
    world.run(15_000);
    assert_eq!(world.role().0, Role::Master);
    for slot in [1, 2, 3] {
        assert_eq!(
            world.diagnosis(slot),
            Diagnosis::BusinessFault,
            "slot {slot}"
        );
    }
    let snapshot = world.bench.node.snapshot(world.now);
    assert_eq!(
        snapshot.successor,
        Some(1),
        "it has no fault that the master has not"
    );
    assert!(world.asked.len() > 30, "the witness: it went on asking");
    world.reached = everybody();
    world.hears = everybody();
    world.run(3_000);
    for slot in [1, 2, 3, 4] {
        assert_eq!(world.diagnosis(slot), Diagnosis::Healthy, "slot {slot}");
    }
    assert_eq!(world.role().0, Role::Master);
}

#[test]
fn a_lost_carrier_is_looked_into_at_once_and_one_of_two_goes_by_it() {
    let mut world = World::without(&[3, 4]);
    world.cut();
    world.hears.clear();
    world.carrier(false);
    world.run(1_900);
    assert_eq!(
        world.role().0,
        Role::Master,
        "a switch's end is told of late"
    );
    world.run(1_500);
    assert_eq!(world.role(), (Role::Slave, Reason::BusinessLost));
}

#[test]
fn a_switch_that_takes_everybodys_carrier_moves_nothing() {
    for off in [&[][..], &[3, 4]] {
        let mut world = World::without(off);
        world.cut();
        world.hears.clear();
        world.carriers.clear();
        world.carrier(false);
        world.run(14_000);
        assert_eq!(world.role().0, Role::Master);
        for slot in [1, 2] {
            assert_eq!(
                world.diagnosis(slot),
                Diagnosis::BusinessFault,
                "slot {slot}"
            );
        }
    }
}

#[test]
fn a_fault_that_comes_and_goes_moves_mastership_as_often_as_the_budget_says() {
    let mut world = World::new();
    world.cut();
    world.run(12_500);
    assert_eq!(world.role().0, Role::Slave);
    let stands_at = world.bench.node.poll_timeout().expect("it stands again");
    assert!(
        stands_at >= world.now + TIMING.rank_pause() * 2,
        "all others go first: {stands_at:?}"
    );
    world.bench.timeout(stands_at);
    world.bench.answer(3, Duration::ZERO, stands_at);
    let vote = heartbeat_core::message::VoteAnswer::Granted;
    world.bench.vote(3, vote, stands_at);
    world.now = stands_at;
    world.run(14_000);
    assert_eq!(world.role().0, Role::Master, "one handover a minute");
    assert!(world.alarms.contains(&(Alarm::HandoversSpent, true)));
}
