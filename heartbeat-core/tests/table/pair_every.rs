//! Every state of a pair's node and every event: the commands stand in `pair_every.txt`, one row a pair.

use std::time::Duration;

use heartbeat_core::event::{Order, QueryAnswer};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::pair::PairState;
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Epoch, Event, Instant};

use super::bench::*;
use super::pair_states::*;
use super::written::{Happening, State, compare};

const STATES: &[State] = &[
    ("init", starting),
    ("slave, just started", started_slave),
    ("slave, following slot 1", following),
    ("slave, whose master is silent", bereft),
    ("slave, with all evidence but one answer", ready),
    ("slave, fencing slot 1", fencing),
    ("is_master", is_master),
    ("battle_master", battle),
    ("battle_master in slot 1", battle_of_the_lower),
    ("candidate, asking slot 1 for its vote", standing),
    ("master by a vote", elected),
    ("master whose slave is silent", bridging),
    ("master by evidence", master_by_evidence),
];

const EVENTS: &[Happening] = &[
    ("a turn without replies", |bench, now| bench.turn(&[], now)),
    ("a turn in which the peer granted", |bench, now| {
        let reply = bench.reply(3 - bench.slot, now - Duration::from_millis(1));
        bench.turn(&[reply], now)
    }),
    ("the peer granted, between two turns", |bench, now| {
        let reply = bench.reply(3 - bench.slot, now - Duration::from_millis(1));
        bench.read(&[reply], now)
    }),
    ("the peer answers that it abstains", |bench, now| {
        let reply = heartbeat_core::event::Reply {
            granted_sequence: 0,
            flags: heartbeat_wire::frame::flag::ABSTAINS | heartbeat_wire::frame::flag::NO_GRANT,
            ..bench.reply(3 - bench.slot, now - Duration::from_millis(1))
        };
        bench.read(&[reply], now)
    }),
    ("its time has come", |bench, now| {
        match bench.node.poll_timeout() {
            Some(timeout) => bench.timeout(timeout.max(now)),
            None => Vec::new(),
        }
    }),
    (
        "its time has come, and it is 9 ms late",
        |bench, now| match bench.node.poll_timeout() {
            Some(timeout) => bench.timeout(timeout.max(now) + Duration::from_millis(9)),
            None => Vec::new(),
        },
    ),
    ("a probe of the peer in round 20", |bench, now| {
        let epoch = Epoch::new(20, 3 - bench.slot);
        bench.kernel(probed(epoch, now, 0), now)
    }),
    (
        "the peer's kernel would vote, and its daemon lives",
        |bench, now| kernel_answers(bench, false, 3, now),
    ),
    (
        "the peer's kernel would vote, and its daemon is dead",
        |bench, now| kernel_answers(bench, false, 60, now),
    ),
    (
        "the peer's gate is open, and its daemon is dead",
        |bench, now| kernel_answers(bench, true, 60, now),
    ),
    (
        "the peer refuses, having promised round 20",
        |bench, now| {
            let peer = 3 - bench.slot;
            bench.refusal(peer, Epoch::new(20, peer), MASTERED, now)
        },
    ),
    ("the peer asks for a vote for round 20", |bench, now| {
        let peer = 3 - bench.slot;
        bench.message(peer, vote_request(Epoch::new(20, peer), 5), now)
    }),
    ("the peer votes yes", |bench, now| {
        bench.vote(3 - bench.slot, VoteAnswer::Granted, now)
    }),
    ("the peer, a slave, asks how it is", |bench, now| {
        bench.peer_asks(peer_state(Role::Slave, 9_000), now)
    }),
    ("the peer, is_master, asks how it is", |bench, now| {
        bench.peer_asks(peer_state(Role::IsMaster, 400), now)
    }),
    ("the peer asks in a battle, active later", |bench, now| {
        bench.peer_asks(peer_state(Role::BattleMaster, 0), now)
    }),
    ("the peer asks in a battle, active earlier", |bench, now| {
        bench.peer_asks(peer_state(Role::BattleMaster, 9_000), now)
    }),
    (
        "the peer asks in a battle, and may not stand",
        |bench, now| {
            let state = PairState {
                eligible: false,
                ..peer_state(Role::BattleMaster, 0)
            };
            bench.peer_asks(state, now)
        },
    ),
    ("the peer asks in a battle, and abstains", |bench, now| {
        let state = PairState {
            abstains: true,
            ..peer_state(Role::BattleMaster, 0)
        };
        bench.peer_asks(state, now)
    }),
    ("the peer tells that it is a slave", |bench, now| {
        bench.tell(peer_state(Role::Slave, 9_000), now)
    }),
    (
        "the peer tells that it is a slave, and abstains",
        |bench, now| {
            let state = PairState {
                abstains: true,
                ..peer_state(Role::Slave, 9_000)
            };
            bench.tell(state, now)
        },
    ),
    ("the peer tells that it is_master", |bench, now| {
        bench.tell(peer_state(Role::IsMaster, 400), now)
    }),
    (
        "the peer tells that it is in a battle, active later",
        |bench, now| bench.tell(peer_state(Role::BattleMaster, 0), now),
    ),
    (
        "the peer tells that it is in a battle, active earlier",
        |bench, now| bench.tell(peer_state(Role::BattleMaster, 9_000), now),
    ),
    ("the peer tells that it is master", |bench, now| {
        bench.tell(peer_state(Role::Master, 0), now)
    }),
    (
        "the peer tells something that was not asked",
        |bench, now| {
            bench.pair_ask = 1;
            bench.tell(peer_state(Role::BattleMaster, 9_000), now)
        },
    ),
    ("the reference answers", |bench, now| {
        bench.reference_answers(now)
    }),
    ("the reference answers something older", |bench, now| {
        bench.reference = bench.reference.wrapping_sub(100);
        bench.reference_answers(now)
    }),
    ("another reference answers", |bench, now| {
        let id = bench.reference;
        bench.handle(Event::ReferenceAnswer { id, reference: 1 }, now)
    }),
    ("the fence command succeeded", |bench, now| {
        let id = bench.fence;
        bench.handle(Event::Fenced { id, done: true }, now)
    }),
    ("the fence command failed", |bench, now| {
        let id = bench.fence;
        bench.handle(Event::Fenced { id, done: false }, now)
    }),
    ("an older fence command succeeded", |bench, now| {
        let id = bench.fence.wrapping_sub(1);
        bench.handle(Event::Fenced { id, done: true }, now)
    }),
    ("the peer promotes itself in round 20", |bench, now| {
        let peer = 3 - bench.slot;
        let epoch = Epoch::new(20, peer);
        bench.message(peer, Message::Promote { epoch }, now)
    }),
    ("the peer releases 4.1 for this node", |bench, now| {
        let target = bench.slot;
        bench.message(
            3 - bench.slot,
            Message::Release {
                epoch: MASTERED,
                target,
            },
            now,
        )
    }),
    ("the peer polls", |bench, now| {
        bench.message(3 - bench.slot, Message::Poll { id: 9 }, now)
    }),
    ("order: maintenance", |bench, now| {
        bench.handle(Event::Order(Order::Maintenance(true)), now)
    }),
    ("order: force", |bench, now| {
        bench.handle(Event::Order(Order::Force), now)
    }),
    ("order: restart", |bench, now| {
        bench.handle(Event::Order(Order::Restart), now)
    }),
    ("order: stop", |bench, now| {
        bench.handle(Event::Order(Order::Stop), now)
    }),
];

fn kernel_answers(
    bench: &mut Bench,
    gate_open: bool,
    daemon_ms: u64,
    now: Instant,
) -> Vec<Command> {
    let from = 3 - bench.slot;
    let answer = QueryAnswer {
        from,
        sequence: bench.asked.0,
        arrival: now,
        incarnation: life(from),
        elector_version: 7,
        elector_digest: 77,
        gate_open,
        daemon_age: Some(Duration::from_millis(daemon_ms)),
        ..QueryAnswer::default()
    };
    bench.handle(Event::QueryAnswer(answer), now)
}

#[test]
fn every_state_of_a_pair_answers_every_event_as_it_is_written() {
    compare("pair_every.txt", STATES, EVENTS);
}
