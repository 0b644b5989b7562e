//! Rules that one event after another shows: what is counted, what is refused, and from when.

use std::time::Duration;

use heartbeat_core::event::{KernelWords, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::{Alarm, Reason, Role};
use heartbeat_core::{Command, Epoch, Event, Instant};

use super::bench::*;

const NOTHING: [&str; 0] = [];

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

// Who stands, and when.

#[test]
fn the_successor_stands_at_the_very_end_of_its_grant_and_others_after_their_ranks() {
    for successor in [2, 0, 3] {
        let (mut bench, _) = init();
        bench.kernel(probed(Epoch::new(4, 1), ms(10), successor), ms(10));
        assert_eq!(
            bench.node.poll_timeout(),
            Some(ms(60)),
            "slot 2 is next, whether {successor} is named or not"
        );
    }
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 3), ms(10));
    assert_eq!(
        bench.node.poll_timeout(),
        Some(ms(60 + 40)),
        "after slots 3 and 2"
    );
    bench.kernel(probed(Epoch::new(4, 1), ms(15), 4), ms(15));
    assert_eq!(
        bench.node.poll_timeout(),
        Some(ms(65)),
        "a later probe named it"
    );
}

#[test]
fn the_lost_master_itself_stands_last() {
    let (mut bench, now) = master();
    bench.turn(&[bench.reply(1, now), bench.reply(3, now)], now);
    let deadline = bench.node.poll_timeout().expect("its lease ends");
    bench.timeout(deadline);
    assert_eq!(
        bench.node.poll_timeout(),
        Some(deadline + TIMING.rank_pause()),
        "after slot 1"
    );
}

#[test]
fn masterships_that_no_reply_ever_renewed_make_a_node_wait_twice_as_long_each_time() {
    let (mut bench, _) = requesting();
    for leases in [2, 4, 8, 16, 32, 64, 100, 100] {
        let now = bench.node.snapshot(START).since;
        bench.vote(3, VoteAnswer::Granted, now);
        let deadline = bench.node.poll_timeout().expect("its lease ends");
        bench.timeout(deadline);
        let stands_at = bench.node.poll_timeout().expect("it stands again");
        assert_eq!(
            stands_at,
            deadline + TIMING.lease() * leases + TIMING.rank_pause()
        );
        bench.timeout(stands_at);
        bench.answer(3, Duration::ZERO, stands_at);
    }
}

#[test]
fn a_slot_in_which_two_machines_answer_gives_no_vote() {
    let clashing = |bench: &Bench| Reply {
        clash_at: ms(50),
        ..bench.reply(3, ms(50))
    };
    let (mut bench, _) = asking();
    let reply = clashing(&bench);
    bench.turn(&[reply], ms(61));
    assert_eq!(lines(&bench.answer(3, Duration::ZERO, ms(61))), NOTHING);
    let (mut bench, _) = requesting();
    let reply = clashing(&bench);
    bench.turn(&[reply], ms(62));
    assert_eq!(lines(&bench.vote(3, VoteAnswer::Granted, ms(62))), NOTHING);
}

#[test]
fn a_member_that_is_no_elector_and_a_witness_never_stand() {
    for slot in [3, 4] {
        let (mut bench, _) = Bench::new(config(slot), restored(slot));
        bench.kernel(probed(Epoch::new(4, 1), ms(10), slot), ms(10));
        assert_eq!(bench.node.poll_timeout(), None, "slot {slot}");
        let release = Message::Release {
            epoch: Epoch::new(4, 1),
            target: slot,
        };
        let commands = bench.message(1, release, ms(11));
        assert_eq!(lines(&commands), ["4.1 is released"], "slot {slot}");
    }
}

#[test]
fn a_probe_of_a_master_with_another_electors_set_grants_nothing_and_still_keeps_a_slave_quiet() {
    let (mut bench, _) = init();
    let words = KernelWords {
        grant_end: Instant::ZERO,
        ..probed(Epoch::new(4, 1), ms(10), 2)
    };
    bench.kernel(words, ms(10));
    assert_eq!(bench.node.poll_timeout(), Some(ms(60)));
}

// Votes.

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
fn nobody_else_is_voted_for_until_the_vote_is_over() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.message(1, vote_request(Epoch::new(5, 1), 71), ms(1));
    let early = bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(50));
    assert_eq!(lines(&early), ["vote on 6.2: held for 1 ms to 2"]);
    let late = bench.message(2, vote_request(Epoch::new(6, 2), 72), ms(51));
    assert_eq!(votes(&late), ["vote on 6.2: granted to 2"]);
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
        assert_eq!(lines(&bench.message(1, request, now)), [answer]);
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
        "query 5.2 number 1 at 60 ms"
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
            "release 5.2 to 3"
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

// Elections.

#[test]
fn a_lease_counts_from_the_first_sending_of_the_request() {
    let (mut bench, _) = requesting();
    let again = bench.timeout(ms(71));
    assert_eq!(again.len(), 2, "it was sent again");
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
            "release 5.2 to 3"
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

// The lease.

#[test]
fn only_grants_to_this_masterships_probes_renew_its_lease() {
    let (bench, now) = master();
    let good = bench.reply(3, ms(62));
    let with = |change: fn(&mut Reply)| {
        let mut reply = good;
        change(&mut reply);
        reply
    };
    for (name, reply, renews) in [
        ("a grant", good, true),
        (
            "a grant to a probe of an earlier mastership",
            with(|reply| reply.granted_sequence = 1),
            false,
        ),
        (
            "health without a grant",
            with(|reply| reply.granted_sequence = 0),
            false,
        ),
        (
            "a grant from the future",
            with(|reply| reply.granted_sent = ms(64)),
            false,
        ),
        (
            "two machines in one slot",
            with(|reply| reply.clash_at = ms(1)),
            false,
        ),
        ("no elector", with(|reply| reply.slot = 4), false),
        ("this node itself", with(|reply| reply.slot = 2), false),
    ] {
        let (mut bench, _) = master();
        let commands = bench.turn(&[reply], now);
        let renewed = lines(&commands)
            .iter()
            .any(|line| line.starts_with("lease"));
        assert_eq!(renewed, renews, "{name}");
        assert!(
            commands
                .iter()
                .any(|command| matches!(command, Command::Probe(_))),
            "{name}: it probes on"
        );
    }
}

#[test]
fn the_lease_is_that_of_the_probe_which_a_majority_granted() {
    let (mut bench, _) = Bench::new(five(4), restored(4));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 1), ms(10), 4), ms(10));
    bench.timeout(ms(60));
    for slot in [2, 3] {
        bench.answer(slot, Duration::ZERO, ms(60));
    }
    for slot in [2, 3] {
        bench.vote(slot, VoteAnswer::Granted, ms(61));
    }
    // Own probe at 61, granted by itself; slot 2 granted 61, slot 3 nothing: no majority of five.
    let two = [bench.reply(2, ms(61))];
    assert!(
        !lines(&bench.turn(&two, ms(71)))
            .iter()
            .any(|line| line.starts_with("lease"))
    );
    // Own probe at 71; slot 2 granted 71, slot 3 the one at 61: the third newest is 61.
    let (first, newest) = (two[0], bench.reply(2, ms(71)));
    let three = [newest, Reply { slot: 3, ..first }];
    assert_eq!(
        lines(&bench.turn(&three, ms(81)))[0],
        "lease of 5.4 until 101 ms"
    );
}

#[test]
fn a_lease_that_is_over_is_not_renewed_by_replies_that_come_with_its_end() {
    let (mut bench, _) = master();
    let replies = [bench.reply(1, ms(62)), bench.reply(3, ms(62))];
    let commands = bench.turn(&replies, ms(101));
    assert_eq!(lines(&commands)[0], "shut the gate");
    assert_eq!(bench.node.snapshot(ms(101)).role, Role::Slave);
    assert!(
        !commands
            .iter()
            .any(|command| matches!(command, Command::Probe(_) | Command::Lease { .. }))
    );
}

#[test]
fn a_working_master_without_a_control_port_asks_for_no_higher_round() {
    let (mut bench, _) = master();
    let replies = [bench.reply(3, ms(62))];
    bench.turn(&replies, ms(63));
    let commands = bench.refusal(1, Epoch::new(9, 1), Epoch::new(4, 1), ms(64));
    assert_eq!(lines(&commands), NOTHING, "nobody answered a poll yet");
    let id = bench.poll;
    bench.message(3, Message::PollAnswer { id, votes: true }, ms(65));
    let commands = bench.refusal(1, Epoch::new(9, 1), Epoch::new(4, 1), ms(66));
    assert_eq!(lines(&commands)[0], "promise 10.2");
}

#[test]
fn a_master_asks_for_one_higher_round_at_a_time() {
    let (mut bench, now) = attempting();
    assert_eq!(
        lines(&bench.refusal(3, Epoch::new(10, 2), Epoch::new(4, 1), now)),
        NOTHING,
        "its own vote shut it out"
    );
    assert_eq!(
        lines(&bench.refusal(1, Epoch::new(12, 1), Epoch::new(4, 1), now)),
        NOTHING
    );
    bench.timeout(ms(73));
    bench.timeout(ms(83));
    assert_eq!(lines(&bench.timeout(ms(88))), NOTHING, "it gives up");
    let commands = bench.refusal(1, Epoch::new(12, 1), Epoch::new(4, 1), ms(89));
    assert_eq!(lines(&commands)[0], "promise 13.2");
}

// What the operator hears.

#[test]
fn no_master_for_longer_than_an_election_takes_is_an_alarm_until_one_is_heard() {
    let (mut bench, _) = init();
    // Two grants, the ranks of three electors, three periods.
    assert!(!lines(&bench.turn(&[], ms(190))).contains(&"alarm NoMaster on".to_owned()));
    assert!(lines(&bench.turn(&[], ms(191))).contains(&"alarm NoMaster on".to_owned()));
    bench.words = probed(Epoch::new(4, 1), ms(200), 0);
    assert!(lines(&bench.turn(&[], ms(200))).contains(&"alarm NoMaster off".to_owned()));
}

#[test]
fn a_control_port_that_no_majority_answers_on_is_an_alarm_and_makes_the_node_not_eligible() {
    let (mut bench, _) = init();
    let mut raised = Vec::new();
    for second in 1..=3 {
        bench.words = probed(Epoch::new(4, 1), ms(1_000 * second), 2);
        raised.extend(lines(&bench.turn(&[], ms(1_000 * second))));
    }
    assert!(
        raised.contains(&"alarm NotElectable on".to_owned())
            && raised.contains(&"be not eligible".to_owned())
    );
    let id = bench.poll;
    bench.message(3, Message::PollAnswer { id, votes: true }, ms(3_001));
    bench.words = probed(Epoch::new(4, 1), ms(3_010), 2);
    let cleared = lines(&bench.turn(&[], ms(3_010)));
    assert!(
        cleared.contains(&"alarm NotElectable off".to_owned()),
        "{cleared:?}"
    );
}

#[test]
fn a_clock_that_runs_too_slow_shuts_the_gate_and_keeps_this_node_out_until_it_runs_true() {
    let (mut bench, _) = master();
    let mut raw_ns = 0;
    let mut now = ms(63);
    let mut commands = Vec::new();
    for _ in 0..150 {
        now = now + Duration::from_millis(8);
        raw_ns += 10_000_000;
        let replies = [bench.reply(3, now - Duration::from_millis(8))];
        let kernel = bench.words;
        commands.extend(bench.handle(
            Event::Turn {
                kernel,
                replies: &replies,
                lateness: Duration::ZERO,
                raw_ns,
            },
            now,
        ));
    }
    let snapshot = bench.node.snapshot(now);
    assert_eq!(
        (snapshot.role, snapshot.reason),
        (Role::Slave, Reason::ClockFault)
    );
    assert!(snapshot.alarms.contains(&Alarm::ClockFault));
    assert!(lines(&commands).contains(&"shut the gate".to_owned()));
    let vote = bench.message(1, vote_request(Epoch::new(20, 1), 5), now);
    assert_eq!(lines(&vote), ["vote on 20.1: abstains for 240 ms to 1"]);
}

#[test]
fn the_first_telling_of_a_lower_mastership_is_not_believed() {
    let (mut bench, now) = slave();
    let member = heartbeat_core::message::MemberHealth {
        slot: 3,
        healthy: false,
        diagnosis: heartbeat_core::snapshot::Diagnosis::Down,
        role: 4,
        rtt_us: 9,
    };
    let telling = |epoch| Message::Health {
        epoch,
        members: vec![member],
    };
    bench.message(1, telling(Epoch::new(3, 1)), now);
    assert_eq!(bench.node.snapshot(now).members[2].healthy, None);
    bench.message(1, telling(Epoch::new(4, 1)), now);
    assert_eq!(bench.node.snapshot(now).members[2].healthy, Some(false));
}
