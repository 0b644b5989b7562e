//! What the operator hears, and faults of this very node.

use std::time::Duration;

use heartbeat_core::message::Message;
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
