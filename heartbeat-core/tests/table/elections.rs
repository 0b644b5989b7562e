//! The candidate: what it counts, and what makes it give up.

use std::time::Duration;

use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Epoch, Event};

use super::bench::*;
use super::states::*;

#[test]
fn a_lease_counts_from_the_first_sending_of_the_request() {
    let (mut bench, _) = requesting();
    let again = bench.timeout(ms(71));
    assert_eq!(again.len(), 4, "it was sent again, by both networks");
    let commands = bench.vote(3, VoteAnswer::Granted, ms(75));
    assert_eq!(lines(&commands)[0], "lease of 5.2 until 101 ms");
}

#[test]
fn a_vote_for_another_request_counts_for_nothing() {
    let (mut bench, _) = waiting();
    let old = bench.request;
    let at = bench.node.poll_timeout().expect("it asks again");
    bench.timeout(at);
    bench.answer(3, Duration::ZERO, at);
    assert_ne!(bench.request, old);
    for (epoch, id) in [old, (bench.request.0, old.1), (old.0, bench.request.1)] {
        let vote = Message::Vote {
            epoch,
            id,
            answer: VoteAnswer::Granted,
            info_version: 0,
        };
        assert_eq!(lines(&bench.message(3, vote, at)), NOTHING);
    }
    assert_eq!(
        lines(&bench.vote(3, VoteAnswer::Granted, at))[2],
        "be master"
    );
}

#[test]
fn votes_that_come_after_the_lease_would_be_over_make_no_master() {
    let (mut bench, _) = requesting();
    let commands = bench.vote(3, VoteAnswer::Granted, ms(101));
    assert!(
        !lines(&commands)
            .iter()
            .any(|line| line.starts_with("lease"))
    );
    assert_ne!(bench.node.snapshot(ms(101)).role, Role::Master);
}

#[test]
fn a_candidate_whose_request_is_hopeless_gives_its_votes_back_at_once() {
    let (mut bench, now) = requesting();
    let commands = bench.vote(3, VoteAnswer::NotAllowed, now);
    assert_eq!(
        lines(&commands),
        [
            "grant to 5.2 of 20 until 62 ms",
            "release 5.2 to 1",
            "release 5.2 over the business network to 1",
            "release 5.2 to 3",
            "release 5.2 over the business network to 3"
        ]
    );
}

#[test]
fn answers_to_another_query_or_that_come_late_make_no_majority() {
    let (mut bench, _) = asking();
    let number = bench.asked.0;
    bench.asked.0 = number + 1;
    assert_eq!(lines(&bench.answer(3, Duration::ZERO, ms(61))), NOTHING);
    bench.asked.0 = number;
    let (mut bench, _) = asking();
    assert_eq!(
        lines(&bench.answer(4, Duration::ZERO, ms(61))),
        NOTHING,
        "no elector"
    );
    let held = bench.answer(3, Duration::from_millis(4), ms(61));
    assert_eq!(lines(&held), NOTHING);
    assert_eq!(
        bench.node.poll_timeout(),
        Some(ms(65) + Duration::from_micros(100)),
        "asked when it is free"
    );
}

#[test]
fn the_next_round_lies_above_whatever_the_electors_know_of() {
    let (mut bench, now) = asking();
    let answer = heartbeat_core::event::QueryAnswer {
        from: 3,
        sequence: bench.asked.0,
        arrival: now,
        incarnation: life(3),
        promised: Epoch::new(30, 1),
        probed: Epoch::new(8, 1),
        elector_version: 7,
        elector_digest: 77,
        ..Default::default()
    };
    let commands = bench.handle(Event::QueryAnswer(answer), now);
    assert_eq!(lines(&commands)[0], "promise 31.2");
}
