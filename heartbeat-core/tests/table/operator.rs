//! What the operator hears, and faults of this very node.

use std::time::Duration;

use heartbeat_core::message::{Message, Network};
use heartbeat_core::snapshot::{Alarm, Reason, Role};
use heartbeat_core::{Epoch, Event};

use super::bench::*;
use super::states::*;

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
        degraded: false,
        members: vec![member],
    };
    bench.message(1, telling(Epoch::new(3, 1)), now);
    assert_eq!(bench.node.snapshot(now).members[2].healthy, None);
    bench.message(1, telling(Epoch::new(4, 1)), now);
    assert_eq!(bench.node.snapshot(now).members[2].healthy, Some(false));
}

#[test]
fn an_elector_that_answered_none_of_the_last_two_polls_does_not_count() {
    let (mut bench, _) = init();
    let answering = |bench: &Bench, at| bench.node.snapshot(at).electors_answering;
    let id = bench.poll;
    bench.message(3, Message::PollAnswer { id, votes: true }, ms(1));
    for (second, expected) in [(1, 2), (11, 1)] {
        let at = ms(1_000 * second);
        bench.words = probed(Epoch::new(4, 1), at, 2);
        bench.turn(&[], at);
        assert_eq!(answering(&bench, at), expected, "{second}");
    }
}

#[test]
fn no_majority_is_known_to_be_out_of_reach_before_the_third_poll() {
    let (mut bench, _) = init();
    for (second, expected) in [(1, false), (2, true)] {
        let at = ms(1_000 * second);
        bench.words = probed(Epoch::new(4, 1), at, 2);
        let said = lines(&bench.turn(&[], at));
        let alarm = "alarm NotElectable on".to_owned();
        assert_eq!(said.contains(&alarm), expected, "{second}");
    }
}

#[test]
fn while_the_lease_rests_on_the_business_network_its_votes_are_as_good() {
    let is_electable = |degraded: bool, answers_by: Option<Network>| {
        let (mut bench, _) = init();
        for second in 1..=4 {
            let at = ms(1_000 * second);
            bench.kernel(probed(Epoch::new(4, 1), at, 2), at);
            let (epoch, members) = (Epoch::new(4, 1), Vec::new());
            let told = Message::Health {
                epoch,
                degraded,
                members,
            };
            bench.message(1, told, at);
            bench.turn(&[], at);
            if let Some(network) = answers_by {
                let message = Message::PollAnswer {
                    id: bench.poll,
                    votes: true,
                };
                let (from, incarnation) = (3, life(3));
                bench.handle(
                    Event::Message {
                        from,
                        incarnation,
                        network,
                        message,
                    },
                    at,
                );
            }
        }
        bench.node.snapshot(ms(4_001)).electable
    };
    assert!(is_electable(false, Some(Network::Management)));
    assert!(!is_electable(false, Some(Network::Business)));
    assert!(is_electable(true, Some(Network::Business)));
    assert!(is_electable(true, Some(Network::Management)));
    assert!(!is_electable(true, None));
}

#[test]
fn a_lower_slot_that_takes_anothers_place_waits_its_own_time_for_mastership() {
    let waits = Duration::from_millis(100);
    let config = heartbeat_core::Config {
        preempt_after: Some(waits),
        ..five(3)
    };
    let (mut bench, _) = Bench::new(config, restored(3));
    bench.turn(&[], START);
    bench.kernel(probed(Epoch::new(4, 5), ms(10), 3), ms(10));
    bench.timeout(ms(60));
    for from in [1, 4] {
        bench.answer(from, Duration::ZERO, ms(61));
    }
    for from in [1, 4] {
        bench.vote(from, heartbeat_core::message::VoteAnswer::Granted, ms(62));
    }
    let mut at = ms(63);
    let mut since = None;
    let mut handed_at = None;
    while handed_at.is_none() && at < ms(600) {
        let is_first_there = at >= ms(133);
        let slots: &[u16] = if is_first_there { &[1, 2, 4] } else { &[2, 4] };
        let replies: Vec<_> = slots.iter().map(|slot| bench.reply(*slot, at)).collect();
        let said = lines(&bench.turn(&replies, at));
        if said.iter().any(|line| line.ends_with(", 1 follows")) {
            since = since.or(Some(at));
        }
        handed_at = said.iter().any(|line| line == "be slave").then_some(at);
        at = at + TIMING.period;
    }
    let (since, handed_at) = (
        since.expect("slot 1 is next"),
        handed_at.expect("handed over"),
    );
    assert_eq!(handed_at.since(since), waits, "slot 2 was next before it");
}

#[test]
fn each_electors_answer_to_a_poll_counts_for_itself() {
    let (mut bench, _) = Bench::new(five(3), restored(3));
    bench.turn(&[], START);
    let id = bench.poll;
    for from in [2, 4] {
        bench.message(from, Message::PollAnswer { id, votes: true }, ms(1));
    }
    assert_eq!(bench.node.snapshot(ms(1)).electors_answering, 3);
}
