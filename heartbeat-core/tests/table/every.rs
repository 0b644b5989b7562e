//! Every state and every event: the commands stand in `every.txt`, one row a pair.

use std::time::Duration;

use heartbeat_core::electors::{Accepted, Ballot, ElectorRecord, ElectorSet, Slots};
use heartbeat_core::event::Order;
use heartbeat_core::message::{MemberHealth, Message, Network, VoteAnswer};
use heartbeat_core::snapshot::Diagnosis;
use heartbeat_core::{Epoch, Event};

use super::bench::*;
use super::states::*;
use super::written::{Happening, State, compare};

const STATES: &[State] = &[
    ("init", init),
    ("init, abstaining", abstaining),
    ("slave of slot 1 in 4.1", slave),
    ("candidate, asking", asking),
    ("candidate, waiting", waiting),
    ("candidate, requesting", requesting),
    ("master", master),
    ("master, asking for a higher round", attempting),
    ("witness, following slot 1 in 4.1", witness),
];

const EVENTS: &[Happening] = &[
    ("a turn without replies", |bench, now| bench.turn(&[], now)),
    ("a turn in which all granted", |bench, now| {
        let replies = [1, 2, 3].map(|slot| bench.reply(slot, now - Duration::from_millis(1)));
        bench.turn(&replies, now)
    }),
    ("all granted, between two turns", |bench, now| {
        let replies = [1, 2, 3].map(|slot| bench.reply(slot, now - Duration::from_millis(1)));
        let kernel = bench.words;
        bench.handle(
            Event::Answers {
                kernel,
                replies: &replies,
            },
            now,
        )
    }),
    ("its time has come", |bench, now| {
        match bench.node.poll_timeout() {
            Some(timeout) => bench.timeout(timeout.max(now)),
            None => Vec::new(),
        }
    }),
    ("a probe of slot 1 in 20.1", |bench, now| {
        bench.kernel(probed(Epoch::new(20, 1), now, 2), now)
    }),
    ("its slot on another machine", |bench, now| {
        let words = heartbeat_core::event::KernelWords {
            duplicate_at: now,
            ..bench.words
        };
        bench.kernel(words, now)
    }),
    ("slot 1 would vote", |bench, now| {
        bench.answer(1, Duration::ZERO, now)
    }),
    ("slot 1 is held for 7 ms", |bench, now| {
        bench.answer(1, Duration::from_millis(7), now)
    }),
    ("slot 1 refuses, having promised 20.1", |bench, now| {
        bench.refusal(1, Epoch::new(20, 1), Epoch::new(4, 1), now)
    }),
    ("slot 1 refuses, having seen 20.1 probed", |bench, now| {
        bench.refusal(1, Epoch::new(20, 1), Epoch::new(20, 1), now)
    }),
    ("slot 1 asks for a vote for 20.1", |bench, now| {
        bench.message(1, vote_request(Epoch::new(20, 1), 5), now)
    }),
    ("slot 1 asks for a vote for 3.1", |bench, now| {
        bench.message(1, vote_request(Epoch::new(3, 1), 5), now)
    }),
    ("the witness asks for a vote for 20.3", |bench, now| {
        bench.message(3, vote_request(Epoch::new(20, 3), 5), now)
    }),
    ("slot 1 votes yes", |bench, now| {
        bench.vote(1, VoteAnswer::Granted, now)
    }),
    ("slot 1 is held against it for 2 ms", |bench, now| {
        bench.vote(1, VoteAnswer::Held(Duration::from_millis(2)), now)
    }),
    ("slot 1 and the witness know of 20.1", |bench, now| {
        let answer = VoteAnswer::Old {
            promised: Epoch::new(20, 1),
            probed: Epoch::new(4, 1),
        };
        let mut commands = bench.vote(1, answer, now);
        commands.extend(bench.vote(3, answer, now));
        commands
    }),
    ("slot 4, no elector, votes yes", |bench, now| {
        bench.vote(4, VoteAnswer::Granted, now)
    }),
    ("slot 1 polls", |bench, now| {
        bench.message(1, Message::Poll { id: 9 }, now)
    }),
    ("slot 1 answers the poll", |bench, now| {
        let id = bench.poll;
        bench.message(1, Message::PollAnswer { id, votes: true }, now)
    }),
    ("slot 1 promotes itself in 20.1", |bench, now| {
        bench.message(
            1,
            Message::Promote {
                epoch: Epoch::new(20, 1),
            },
            now,
        )
    }),
    ("slot 1 promotes itself in 3.1", |bench, now| {
        bench.message(
            1,
            Message::Promote {
                epoch: Epoch::new(3, 1),
            },
            now,
        )
    }),
    ("slot 1 releases 4.1 for slot 2", |bench, now| {
        bench.message(
            1,
            Message::Release {
                epoch: Epoch::new(4, 1),
                target: 2,
            },
            now,
        )
    }),
    ("slot 1 releases 4.1 for nobody", |bench, now| {
        bench.message(
            1,
            Message::Release {
                epoch: Epoch::new(4, 1),
                target: 0,
            },
            now,
        )
    }),
    ("slot 1 releases 20.1, which nobody knows", |bench, now| {
        bench.message(
            1,
            Message::Release {
                epoch: Epoch::new(20, 1),
                target: 2,
            },
            now,
        )
    }),
    ("slot 1 tells of the members' health", |bench, now| {
        let member = MemberHealth {
            slot: 3,
            healthy: true,
            diagnosis: Diagnosis::Healthy,
            role: 4,
            rtt_us: 9,
        };
        bench.message(
            1,
            Message::Health {
                epoch: Epoch::new(4, 1),
                degraded: false,
                members: vec![member],
            },
            now,
        )
    }),
    ("a stranger promotes itself", |bench, now| {
        let message = Message::Promote {
            epoch: Epoch::new(20, 9),
        };
        let network = Network::Management;
        bench.handle(
            Event::Message {
                from: 9,
                incarnation: 9,
                network,
                message,
            },
            now,
        )
    }),
    ("slot 1 tells that electors 8 are in force", |bench, now| {
        let (set, ballot, next) = (electors(8, &[1, 2, 3, 4]), Ballot::NONE, None);
        bench.message(1, Message::Electors { set, ballot, next }, now)
    }),
    ("slot 1 tells so, and it is saved", |bench, now| {
        let (set, ballot, next) = (electors(8, &[1, 2, 3, 4]), Ballot::NONE, None);
        bench.message(1, Message::Electors { set, ballot, next }, now);
        bench.saved(now)
    }),
    ("slot 1 asks to promise a ballot", |bench, now| {
        let (set, ballot, next) = (electors(7, &[1, 2, 3]), Ballot(65_537), None);
        bench.message(1, Message::Electors { set, ballot, next }, now)
    }),
    ("slot 1 asks to agree to electors 8", |bench, now| {
        let (set, ballot) = (electors(7, &[1, 2, 3]), Ballot(65_537));
        let next = Some(electors(8, &[1, 2, 3, 4]));
        bench.message(1, Message::Electors { set, ballot, next }, now);
        bench.saved(now)
    }),
    ("slot 1 asks to agree to two more at once", |bench, now| {
        let (set, ballot) = (electors(7, &[1, 2, 3]), Ballot(65_537));
        let next = Some(electors(8, &[1, 4]));
        bench.message(1, Message::Electors { set, ballot, next }, now)
    }),
    ("slot 1 asks, and goes by electors 6", |bench, now| {
        let (set, ballot) = (electors(6, &[1, 2]), Ballot(65_537));
        let next = Some(electors(7, &[1, 2, 3]));
        bench.message(1, Message::Electors { set, ballot, next }, now)
    }),
    ("slot 1 goes by electors 6", |bench, now| {
        bench.message(1, state(electors(6, &[1, 2])), now)
    }),
    ("slot 1 goes by electors 8", |bench, now| {
        bench.message(1, state(electors(8, &[1, 2, 3, 4])), now)
    }),
    ("slot 1 agreed to electors 8", |bench, now| {
        let agreed = ElectorRecord {
            promised: Ballot(65_537),
            accepted: Some(Accepted {
                ballot: Ballot(65_537),
                set: electors(8, &[1, 2, 3, 4]),
            }),
            ..ElectorRecord::proposed(electors(7, &[1, 2, 3]))
        };
        let confirmed = ElectorRecord {
            is_proposed: false,
            ..agreed
        };
        bench.message(1, Message::ElectorsState(confirmed), now)
    }),
    ("order: electors 1 to 4", |bench, now| {
        bench.handle(
            Event::Order(Order::Electors(electors(0, &[1, 2, 3, 4]))),
            now,
        )
    }),
    ("order: the electors in force", |bench, now| {
        bench.handle(Event::Order(Order::Electors(electors(0, &[1, 2, 3]))), now)
    }),
    ("order: switch over", |bench, now| {
        bench.handle(Event::Order(Order::Switchover(None)), now)
    }),
    ("order: switch over to slot 1", |bench, now| {
        bench.handle(Event::Order(Order::Switchover(Some(1))), now)
    }),
    ("order: maintenance", |bench, now| {
        bench.handle(Event::Order(Order::Maintenance(true)), now)
    }),
    ("order: no maintenance", |bench, now| {
        bench.handle(Event::Order(Order::Maintenance(false)), now)
    }),
    ("order: stop", |bench, now| {
        bench.handle(Event::Order(Order::Stop), now)
    }),
    ("order: force", |bench, now| {
        bench.handle(Event::Order(Order::Force), now)
    }),
    ("order: restart", |bench, now| {
        bench.handle(Event::Order(Order::Restart), now)
    }),
];

/// An electors' set with the bench's longest lease.
fn electors(version: u32, slots: &[u16]) -> ElectorSet {
    ElectorSet {
        version,
        slots: Slots::new(slots.iter().copied()).expect("few"),
        max_lease: TIMING.max_lease,
    }
}

/// What a node says on whose disk nothing but this set stands.
fn state(set: ElectorSet) -> Message {
    Message::ElectorsState(ElectorRecord {
        is_proposed: false,
        ..ElectorRecord::proposed(set)
    })
}

#[test]
fn every_state_answers_every_event_as_it_is_written() {
    compare("every.txt", STATES, EVENTS);
}
