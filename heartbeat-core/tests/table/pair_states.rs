//! The states of a pair's node, slot 2 unless it says otherwise, each with the time at which it is looked at.

use std::time::Duration;

use heartbeat_core::config::{Config, FenceRule, Member, Mode, PairRules};
use heartbeat_core::event::Restored;
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::pair::{Age, LastRole, PairRecord, PairState};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Event, Instant, Slot};

use super::bench::*;

pub(crate) const MASTERED: Epoch = Epoch::new(4, 1);

pub(crate) fn pair_config(slot: Slot, rules: PairRules) -> Config {
    let member = Member {
        elector: true,
        witness: false,
        business: false,
    };
    Config {
        members: [(1, member), (2, member)].into(),
        mode: Mode::Pair(rules),
        ..config(slot)
    }
}

/// What a disk says.
pub(crate) const fn record(last: LastRole, ago_ms: u64) -> PairRecord {
    PairRecord {
        last,
        epoch: MASTERED,
        active: Some(Age {
            ago: Duration::from_millis(ago_ms),
            is_marked: false,
        }),
    }
}

/// What the peer says of itself: this role, and how long ago it was active.
pub(crate) fn peer_state(role: Role, ago_ms: u64) -> PairState {
    PairState {
        role,
        eligible: true,
        abstains: false,
        active: Some(Age {
            ago: Duration::from_millis(ago_ms),
            is_marked: false,
        }),
        epoch: MASTERED,
        lease: TIMING.lease(),
    }
}

/// A node with maps that were kept, as it starts.
pub(crate) fn begin(slot: Slot, rules: PairRules, record: Option<PairRecord>) -> Bench {
    let restored = Restored {
        pair: record,
        ..restored(slot)
    };
    Bench::new(pair_config(slot, rules), restored).0
}

impl Bench {
    /// Lets the node do what its time has come for, step by step, up to `until`.
    pub(crate) fn run_to(&mut self, until: Instant) {
        while let Some(at) = self.node.poll_timeout().filter(|at| *at <= until) {
            self.timeout(at.max(START));
        }
    }

    /// The same for a master, which reads its peer's silence each quarter of a period.
    pub(crate) fn run_master_to(&mut self, from_ms: u64, until_ms: u64) {
        for quarter in from_ms * 4..=until_ms * 4 {
            let at = START + Duration::from_micros(quarter * 250);
            if quarter % 40 == 0 {
                self.turn(&[], at);
            } else if quarter % 10 == 0 {
                self.read(&[], at);
            }
            self.run_to(at);
        }
    }

    /// The answers are read between two turns.
    pub(crate) fn read(
        &mut self,
        replies: &[heartbeat_core::event::Reply],
        now: Instant,
    ) -> Vec<heartbeat_core::Command> {
        let kernel = self.words;
        self.handle(Event::Answers { kernel, replies }, now)
    }

    pub(crate) fn tell(&mut self, state: PairState, now: Instant) -> Vec<heartbeat_core::Command> {
        let id = self.pair_ask;
        let peer = 3 - self.slot;
        self.message(peer, Message::PairTell { id, state }, now)
    }

    pub(crate) fn peer_asks(
        &mut self,
        state: PairState,
        now: Instant,
    ) -> Vec<heartbeat_core::Command> {
        let peer = 3 - self.slot;
        self.message(peer, Message::PairAsk { id: 77, state }, now)
    }

    /// The reference answers the newest question.
    pub(crate) fn reference_answers(&mut self, now: Instant) -> Vec<heartbeat_core::Command> {
        let id = self.reference;
        self.handle(Event::ReferenceAnswer { id, reference: 0 }, now)
    }
}

/// Slot 2 before anything happened to it.
pub(crate) fn starting() -> (Bench, Instant) {
    (begin(2, PairRules::DEFAULT, None), START)
}

/// Slot 2, which was a slave last.
pub(crate) fn started_slave() -> (Bench, Instant) {
    let mut bench = begin(2, PairRules::DEFAULT, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    (bench, ms(1))
}

/// Slot 2, which was the master last, when one grant has passed.
pub(crate) fn is_master() -> (Bench, Instant) {
    let mut bench = begin(2, PairRules::DEFAULT, Some(record(LastRole::Master, 500)));
    bench.turn(&[], START);
    bench.tell(peer_state(Role::Init, 9_000), ms(45));
    (bench, ms(51))
}

/// Slot 2, which was the master last and finds another one that was.
pub(crate) fn battle() -> (Bench, Instant) {
    let (mut bench, _) = is_master();
    bench.tell(peer_state(Role::IsMaster, 400), ms(52));
    (bench, ms(53))
}

/// Slot 1 in the same place.
pub(crate) fn battle_of_the_lower() -> (Bench, Instant) {
    let mut bench = begin(1, PairRules::DEFAULT, Some(record(LastRole::Master, 500)));
    bench.turn(&[], START);
    bench.tell(peer_state(Role::IsMaster, 400), ms(52));
    (bench, ms(53))
}

/// Slot 2, which follows slot 1 in epoch 4.1; its last probe came at 10 ms.
pub(crate) fn following() -> (Bench, Instant) {
    let mut bench = begin(2, PairRules::DEFAULT, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    bench.kernel(probed(MASTERED, ms(10), 2), ms(10));
    (bench, ms(11))
}

/// The same when nothing came for 3 1/2 periods: slot 1 is silent, and the reference was asked first at 45 ms.
pub(crate) fn bereft() -> (Bench, Instant) {
    let (mut bench, _) = following();
    bench.run_to(ms(45));
    (bench, ms(46))
}

/// The same a lease later, with a reference that answered each question but the newest.
pub(crate) fn ready() -> (Bench, Instant) {
    let (mut bench, _) = bereft();
    for at in [55, 65, 75, 85, 95] {
        bench.reference_answers(ms(at - 9));
        bench.run_to(ms(at));
    }
    (bench, ms(95))
}

/// The same, as master by the reference's answer.
pub(crate) fn master_by_evidence() -> (Bench, Instant) {
    let (mut bench, _) = ready();
    bench.reference_answers(ms(96));
    (bench, ms(97))
}

/// Slot 2 with a fence command, run when all else was there.
pub(crate) fn fencing() -> (Bench, Instant) {
    let rules = PairRules {
        references: 0,
        fence: Some(FenceRule {
            delay: Duration::from_millis(5),
        }),
        ..PairRules::DEFAULT
    };
    let mut bench = begin(2, rules, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    bench.kernel(probed(MASTERED, ms(10), 2), ms(10));
    bench.run_to(ms(120));
    (bench, ms(121))
}

/// Slot 2, which was the master last and asks its peer, a slave, for its vote.
pub(crate) fn standing() -> (Bench, Instant) {
    let (mut bench, _) = is_master();
    bench.tell(peer_state(Role::Slave, 9_000), ms(52));
    bench.answer(1, Duration::ZERO, ms(53));
    (bench, ms(54))
}

/// The same, elected.
pub(crate) fn elected() -> (Bench, Instant) {
    let (mut bench, _) = standing();
    bench.vote(1, VoteAnswer::Granted, ms(54));
    (bench, ms(55))
}

/// The same when its slave died: its probe at 60 ms was granted, the one at 70 ms was not.
pub(crate) fn bridging() -> (Bench, Instant) {
    let (mut bench, _) = elected();
    bench.turn(&[], ms(60));
    let granted = bench.reply(1, ms(60));
    bench.read(&[granted], ms(62));
    bench.run_master_to(63, 95);
    (bench, ms(96))
}
