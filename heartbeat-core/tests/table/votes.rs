//! The voter: what it votes for, and what it does not.

use std::time::Duration;

use heartbeat_core::event::{KernelWords, Restored};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::Role;
use heartbeat_core::{Command, Epoch, Event, Instant};

use super::bench::*;
use super::states::*;

/// The votes that were sent, as lines.
fn votes(commands: &[Command]) -> Vec<String> {
    lines(commands)
        .into_iter()
        .filter(|line| line.starts_with("vote on"))
        .collect()
}

fn request_with(epoch: Epoch, id: u64, lease: Duration, elector_version: u32) -> Message {
    Message::VoteRequest {
        epoch,
        lease,
        id,
        elector_version,
        elector_digest: 77,
    }
}

#[test]
fn a_vote_is_given_once_and_the_same_request_extends_nothing() {
    let (mut bench, now) = init();
    let request = vote_request(Epoch::new(5, 1), 71);
    let first = bench.message(1, request.clone(), now);
    assert_eq!(
        lines(&first),
        [
            "promise 5.1",
            "grant to 5.1 of 10 until 51 ms",
            "vote on 5.1: granted to 1"
        ]
    );
    let second = bench.message(1, request, ms(30));
    assert_eq!(lines(&second), ["vote on 5.1: granted to 1"]);
    let other_id = bench.message(1, vote_request(Epoch::new(5, 1), 72), ms(31));
    assert_eq!(
        lines(&other_id),
        ["vote on 5.1: old, promised 5.1 probed 0.0 to 1"]
    );
}

#[test]
fn a_vote_lasts_as_long_as_was_asked_and_a_shorter_one_for_the_same_machine_shortens_nothing() {
    let (mut bench, now) = init();
    let long = request_with(Epoch::new(5, 1), 71, Duration::from_millis(200), 7);
    assert!(
        lines(&bench.message(1, long, now)).contains(&"grant to 5.1 of 10 until 201 ms".to_owned())
    );
    let short = bench.message(1, vote_request(Epoch::new(6, 1), 72), ms(2));
    assert!(lines(&short).contains(&"grant to 6.1 of 10 until 201 ms".to_owned()));
}

#[test]
fn who_lost_its_maps_votes_only_above_what_its_disk_knows() {
    let mut lost = Restored {
        maps_kept: false,
        created: START,
        ..restored(2)
    };
    lost.saved_floor = Epoch::new(40, 3);
    let (mut bench, _) = Bench::new(config(2), lost);
    let below = bench.message(1, vote_request(Epoch::new(40, 1), 71), ms(250));
    assert_eq!(
        votes(&below),
        ["vote on 40.1: old, promised 40.3 probed 0.0 to 1"]
    );
    let above = bench.message(1, vote_request(Epoch::new(41, 1), 72), ms(251));
    assert_eq!(votes(&above), ["vote on 41.1: granted to 1"]);
}

#[test]
fn nobody_else_is_voted_for_until_the_vote_is_over() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.message(1, vote_request(Epoch::new(5, 1), 71), ms(1));
    let early = bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(50));
    assert_eq!(lines(&early), ["vote on 6.2: held for 1 ms to 2"]);
    let late = bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(51));
    assert_eq!(votes(&late), ["vote on 6.2: granted to 2"]);
}

#[test]
fn a_probe_of_the_epoch_that_was_voted_for_extends_what_the_vote_began() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.message(1, vote_request(Epoch::new(5, 1), 71), ms(1));
    bench.kernel(probed(Epoch::new(5, 1), ms(40), 0), ms(40));
    let early = bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(60));
    assert_eq!(lines(&early), ["vote on 6.2: held for 30 ms to 2"]);
}

#[test]
fn another_machine_in_the_holders_slot_is_not_voted_for() {
    let (mut bench, now) = slave();
    let network = heartbeat_core::message::Network::Management;
    let message = vote_request(Epoch::new(5, 1), 71);
    let commands = bench.handle(
        Event::Message {
            from: 1,
            incarnation: 666,
            network,
            message,
        },
        now,
    );
    assert_eq!(lines(&commands), ["vote on 5.1: held for 49 ms to 1"]);
}

#[test]
fn a_lease_that_is_too_long_an_epoch_that_is_not_plausible_and_another_electors_set_get_no_vote() {
    let lease = TIMING.lease();
    let huge = Epoch::new(1 << 40, 1);
    for (request, answer) in [
        (
            request_with(
                Epoch::new(5, 1),
                71,
                TIMING.max_lease + Duration::from_nanos(1),
                7,
            ),
            "vote on 5.1: not allowed to 1",
        ),
        (
            request_with(Epoch::new(5, 1), 71, Duration::ZERO, 7),
            "vote on 5.1: not allowed to 1",
        ),
        (
            request_with(Epoch::new(5, 2), 71, lease, 7),
            "vote on 5.2: not allowed to 1",
        ),
        (
            request_with(huge, 71, lease, 7),
            "vote on 1099511627776.1: not allowed to 1",
        ),
        (
            request_with(Epoch::new(5, 1), 71, lease, 6),
            "vote on 5.1: other electors to 1",
        ),
        (
            request_with(Epoch::new(5, 1), 71, lease, 8),
            "vote on 5.1: other electors to 1",
        ),
    ] {
        let (mut bench, now) = init();
        let is_other = answer.contains("other electors");
        let said = lines(&bench.message(1, request, now));
        assert_eq!(said[0], answer);
        // Whoever goes by another set is told which one this node goes by.
        let is_told = said.contains(&"state electors 7[1, 2, 3] to 1".to_owned());
        assert_eq!((is_told, said.len()), (is_other, 1 + usize::from(is_other)));
    }
}

#[test]
fn an_epoch_that_is_not_plausible_leaves_this_node_its_next_round() {
    let (mut bench, now) = slave();
    let huge = Epoch::new(1 << 40, 1);
    bench.message(1, vote_request(huge, 71), now);
    bench.message(1, Message::Promote { epoch: huge }, now);
    bench.refusal(1, huge, huge, now);
    let commands = bench.timeout(ms(60));
    assert_eq!(
        lines(&commands).last().expect("a query"),
        "query 5.2 number 2 at 60 ms"
    );
}

#[test]
fn a_probe_that_slips_in_before_the_promise_keeps_the_vote_back() {
    let (mut bench, now) = init();
    bench.slips_in = Some(probed(Epoch::new(4, 3), now, 0));
    let commands = bench.message(1, vote_request(Epoch::new(5, 1), 71), now);
    assert_eq!(votes(&commands), ["vote on 5.1: held for 50 ms to 1"]);
    assert!(
        !lines(&commands)
            .iter()
            .any(|line| line.starts_with("grant"))
    );
    let again = bench.message(1, vote_request(Epoch::new(5, 1), 71), ms(51));
    assert_eq!(
        votes(&again),
        ["vote on 5.1: old, promised 5.1 probed 4.3 to 1"]
    );
}

#[test]
fn a_higher_probe_that_slips_in_before_the_promise_keeps_the_vote_back() {
    let (mut bench, now) = init();
    bench.slips_in = Some(KernelWords {
        grant_end: Instant::ZERO,
        arrival: Instant::ZERO,
        ..probed(Epoch::new(6, 3), now, 0)
    });
    let commands = bench.message(1, vote_request(Epoch::new(5, 1), 71), now);
    assert_eq!(
        votes(&commands),
        ["vote on 5.1: old, promised 5.1 probed 6.3 to 1"]
    );
}

#[test]
fn a_candidate_whose_own_promise_a_probe_slips_in_before_follows_that_probe() {
    let (mut bench, now) = asking();
    bench.slips_in = Some(probed(Epoch::new(4, 1), now, 2));
    let commands = bench.answer(3, Duration::ZERO, now);
    assert_eq!(
        lines(&commands),
        [
            "promise 5.2",
            "be slave",
            "candidate -> slave because slot 1 probes as master (5.2, after 1 ms)",
        ]
    );
}

#[test]
fn a_probe_that_was_refused_for_the_promise_is_no_grant_though_it_raised_the_end() {
    let (mut bench, now) = requesting();
    let words = KernelWords {
        grant_end: ms(112),
        ..probed(Epoch::new(4, 1), ms(10), 2)
    };
    assert_eq!(
        lines(&bench.kernel(words, now)),
        NOTHING,
        "it goes on as a candidate"
    );
    assert_eq!(
        lines(&bench.vote(3, VoteAnswer::Granted, now))[2],
        "be master"
    );
    let accepted = probed(Epoch::new(6, 1), now, 2);
    let lines = lines(&bench.kernel(accepted, now));
    assert_eq!(lines[1], "shut the gate", "a higher one was accepted");
}

#[test]
fn a_candidate_that_wins_while_a_higher_epoch_was_probed_gives_its_votes_back() {
    let (mut bench, now) = requesting();
    // As read between the kernel's raising of the epoch and of the end.
    bench.kernel(
        KernelWords {
            probed: Epoch::new(6, 1),
            ..bench.words
        },
        now,
    );
    let commands = bench.vote(3, VoteAnswer::Granted, now);
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
fn a_master_whose_higher_round_a_higher_probe_slips_in_before_steps_down() {
    let (mut bench, now) = master();
    bench.slips_in = Some(probed(Epoch::new(7, 1), now, 2));
    let commands = bench.refusal(1, Epoch::new(6, 1), Epoch::new(4, 1), now);
    let lines = lines(&commands);
    assert_eq!(
        lines[..4],
        [
            "promise 7.2",
            "floor 7.1",
            "shut the gate",
            "remove addresses of 5.2"
        ]
    );
    assert_eq!(bench.node.snapshot(now).role, Role::Slave);
    assert!(!lines.iter().any(|line| line.starts_with("vote request")));
}
