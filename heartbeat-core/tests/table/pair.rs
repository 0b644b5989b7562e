//! The rules of evidence, one by one.

use heartbeat_core::Command;
use heartbeat_core::config::PairRules;
use heartbeat_core::event::QueryAnswer;
use heartbeat_core::message::{Message, Network};
use heartbeat_core::pair::{LastRole, PairState};
use heartbeat_core::snapshot::{Guarantee, Reason, Role};
use heartbeat_core::{Event, Instant};
use std::time::Duration;

use super::bench::*;
use super::pair_states::*;

fn is_master_now(commands: &[Command]) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Role(Role::Master)))
}

/// The end of the lease that is written last.
fn lease_end(commands: &[Command]) -> Option<Instant> {
    let mut ends = commands.iter().filter_map(|command| match command {
        Command::Lease { deadline, .. } => Some(*deadline),
        _ => None,
    });
    ends.next_back()
}

fn asks_reference(commands: &[Command]) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::AskReference { .. }))
}

#[test]
fn the_reference_is_asked_when_the_silence_stands_and_not_before() {
    let (mut bench, _) = following();
    bench.run_to(ms(44));
    assert_eq!(
        bench.reference, 0,
        "asked of the peer three times, and no verdict yet"
    );
    bench.run_to(ms(45));
    assert_ne!(bench.reference, 0);
}

#[test]
fn the_question_that_makes_a_master_is_sent_a_lease_after_the_first_that_was_answered() {
    let (mut bench, _) = ready();
    let commands = bench.reference_answers(ms(97));
    assert!(is_master_now(&commands));
    assert_eq!(
        lease_end(&commands),
        Some(ms(95 + 40)),
        "from the sending, not the answer"
    );
    let snapshot = bench.node.snapshot(ms(97));
    assert_eq!(snapshot.reason, Reason::Evidence(1));
    assert_eq!(snapshot.guarantee, Guarantee::Evidence);
}

#[test]
fn the_same_answers_a_question_later_make_no_master() {
    let (mut bench, _) = bereft();
    // The question of 45 ms is lost: the wait begins with the next.
    for at in [55, 65, 75, 85, 95] {
        bench.run_to(ms(at));
        assert!(!is_master_now(&bench.reference_answers(ms(at + 1))), "{at}");
    }
    bench.run_to(ms(105));
    assert!(is_master_now(&bench.reference_answers(ms(106))));
}

#[test]
fn an_answer_that_comes_when_its_lease_would_be_over_makes_no_master() {
    let (mut bench, _) = ready();
    let id = bench.reference;
    bench.run_to(ms(136));
    let commands = bench.handle(Event::ReferenceAnswer { id, reference: 0 }, ms(136));
    assert!(!is_master_now(&commands));
}

#[test]
fn a_grant_that_still_runs_keeps_the_slave_from_it() {
    let (mut bench, _) = following();
    // The master had its probes name its restart's lease: the grant lasts for 200 ms.
    bench.words.grant_end = ms(210);
    bench.kernel(bench.words, ms(11));
    for at in (45..=205).step_by(10) {
        bench.run_to(ms(at));
        assert!(!is_master_now(&bench.reference_answers(ms(at + 1))), "{at}");
    }
    bench.run_to(ms(215));
    assert!(is_master_now(&bench.reference_answers(ms(216))));
}

#[test]
fn without_a_reference_a_lease_passes_as_well() {
    let rules = PairRules {
        references: 0,
        ..PairRules::DEFAULT
    };
    let mut bench = begin(2, rules, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    bench.kernel(probed(MASTERED, ms(10), 2), ms(10));
    bench.run_to(ms(94));
    assert_eq!(bench.node.snapshot(ms(94)).role, Role::Slave);
    bench.turn(&[], ms(95));
    assert_eq!(bench.node.snapshot(ms(95)).role, Role::Master);
}

/// What of the peer's makes its silence void.
fn voids(hear: impl Fn(&mut Bench, Instant)) -> bool {
    let (mut bench, _) = ready();
    let id = bench.reference;
    hear(&mut bench, ms(96));
    let commands = bench.handle(Event::ReferenceAnswer { id, reference: 0 }, ms(97));
    !is_master_now(&commands)
}

#[test]
fn evidence_is_void_as_soon_as_the_peer_is_heard_by_whatever() {
    assert!(!voids(|_, _| {}));
    let message = |network, message: Message| {
        move |bench: &mut Bench, now| {
            let event = Event::Message {
                from: 1,
                incarnation: life(1),
                network,
                message: message.clone(),
            };
            bench.handle(event, now);
        }
    };
    assert!(voids(message(Network::Management, Message::Poll { id: 1 })));
    assert!(voids(message(Network::Business, Message::Poll { id: 1 })));
    assert!(voids(|bench, now| {
        bench.kernel(probed(MASTERED, now, 2), now);
    }));
    assert!(voids(|bench, now| {
        let answer = QueryAnswer {
            from: 1,
            sequence: bench.asked.0,
            arrival: now,
            gate_open: true,
            ..QueryAnswer::default()
        };
        bench.handle(Event::QueryAnswer(answer), now);
    }));
    assert!(!voids(|bench, now| {
        let answer = QueryAnswer {
            from: 1,
            sequence: bench.asked.0,
            arrival: now,
            daemon_age: Some(TIMING.lease()),
            ..QueryAnswer::default()
        };
        bench.handle(Event::QueryAnswer(answer), now);
    }));
}

#[test]
fn a_probe_that_slips_in_before_the_promise_is_heard() {
    let (mut bench, _) = ready();
    bench.slips_in = Some(probed(MASTERED, ms(96), 2));
    let commands = bench.reference_answers(ms(97));
    assert!(
        commands
            .iter()
            .any(|command| matches!(command, Command::Promise(_)))
    );
    assert!(!is_master_now(&commands));
}

#[test]
fn words_of_the_business_network_void_nothing_where_silence_there_is_not_asked_for() {
    let rules = PairRules {
        business_silent: false,
        ..PairRules::DEFAULT
    };
    let mut bench = begin(2, rules, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    bench.kernel(probed(MASTERED, ms(10), 2), ms(10));
    bench.run_to(ms(45));
    let asked = bench.reference;
    let event = Event::Message {
        from: 1,
        incarnation: life(1),
        network: Network::Business,
        message: Message::Poll { id: 1 },
    };
    let commands = bench.handle(event, ms(46));
    assert!(!asks_reference(&commands) && asked != 0);
    for at in [55, 65, 75, 85, 95] {
        bench.reference_answers(ms(at - 9));
        bench.run_to(ms(at));
    }
    assert!(is_master_now(&bench.reference_answers(ms(96))));
}

#[test]
fn a_masters_lease_counts_from_the_sending_of_the_question_to_the_reference() {
    let (mut bench, now) = bridging();
    let before = bench.node.snapshot(now).lease_deadline;
    assert_eq!(before, Some(ms(100)), "by the grant of 60 ms");
    let commands = bench.reference_answers(now);
    assert_eq!(lease_end(&commands), Some(ms(95 + 40)));
    assert_eq!(lease_end(&bench.reference_answers(now)), None, "a copy");
    assert_eq!(bench.node.snapshot(now).guarantee, Guarantee::Evidence);
}

#[test]
fn a_master_that_hears_its_slave_again_does_not_rest_on_the_reference() {
    let (mut bench, now) = bridging();
    bench.message(1, Message::Poll { id: 1 }, now);
    assert_eq!(lease_end(&bench.reference_answers(now)), None);
    bench.timeout(ms(100));
    assert_eq!(bench.node.snapshot(ms(100)).role, Role::Slave);
}

#[test]
fn a_master_that_ran_late_itself_finds_nobody_silent() {
    let (mut bench, _) = elected();
    bench.turn(&[], ms(60));
    let granted = bench.reply(1, ms(60));
    bench.read(&[granted], ms(62));
    // It does not run from the second question on, and is handed nothing when it does again.
    bench.run_master_to(63, 83);
    assert_eq!(bench.reference, 0);
    bench.late_turn(&[], Duration::from_millis(12), ms(98));
    assert_eq!(bench.reference, 0, "no verdict by what was not waited for");
}

#[test]
fn a_slave_that_abstains_is_bridged_and_takes_nothing_from_the_mastership() {
    let (mut bench, _) = elected();
    bench.turn(&[], ms(60));
    let abstains = heartbeat_core::event::Reply {
        granted_sequence: 0,
        flags: heartbeat_wire::frame::flag::ABSTAINS | heartbeat_wire::frame::flag::NO_GRANT,
        ..bench.reply(1, ms(60))
    };
    assert!(asks_reference(&bench.read(&[abstains], ms(62))));
    assert_eq!(
        lease_end(&bench.reference_answers(ms(63))),
        Some(ms(62 + 40))
    );
}

#[test]
fn a_lower_slot_decides_by_its_own_question_and_the_answer_to_it() {
    let (mut bench, now) = battle_of_the_lower();
    let commands = bench.tell(peer_state(Role::BattleMaster, 900), now);
    assert!(
        lines(&commands)
            .iter()
            .any(|line| line.contains("battle_master -> candidate"))
    );
    let (mut bench, now) = battle_of_the_lower();
    let commands = bench.tell(peer_state(Role::BattleMaster, 100), now);
    assert!(
        lines(&commands)
            .iter()
            .any(|line| line.contains("battle_master -> slave"))
    );
    // The upper slot's question tells who it is, and decides nothing.
    let (mut bench, now) = battle_of_the_lower();
    let later = PairState {
        active: None,
        ..peer_state(Role::BattleMaster, 0)
    };
    let commands = bench.peer_asks(later, now);
    assert!(
        lines(&commands).iter().all(|line| !line.contains("->")),
        "{:?}",
        lines(&commands)
    );
}

#[test]
fn a_pair_may_change_its_longest_lease_and_never_its_electors() {
    use heartbeat_core::event::Order;
    let ordered = |slots: &[heartbeat_core::Slot]| {
        let (mut bench, now) = elected();
        let target = super::electors::set(0, slots);
        let target = heartbeat_core::ElectorSet {
            max_lease: TIMING.max_lease * 2,
            ..target
        };
        lines(&bench.handle(Event::Order(Order::Electors(target)), now))[0].clone()
    };
    assert!(ordered(&[2]).starts_with("refuse: "), "{}", ordered(&[2]));
    assert!(!ordered(&[1, 2]).contains("pair"), "{}", ordered(&[1, 2]));
    assert_ne!(ordered(&[2]), ordered(&[1, 2]));
}

#[test]
fn a_fence_command_that_failed_is_an_alarm_until_the_peer_is_heard() {
    let (mut bench, now) = fencing();
    let id = bench.fence;
    let said = lines(&bench.handle(Event::Fenced { id, done: false }, now));
    assert!(
        said.contains(&"alarm FenceFailed on".to_owned()),
        "{said:?}"
    );
    let said = lines(&bench.peer_asks(peer_state(Role::Slave, 9_000), now));
    assert!(
        said.contains(&"alarm FenceFailed off".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_slave_waits_for_a_last_master_that_may_stand_and_for_no_other() {
    for (eligible, expected) in [(true, Role::Slave), (false, Role::BattleMaster)] {
        let (mut bench, _) = following();
        let state = PairState {
            eligible,
            ..peer_state(Role::IsMaster, 400)
        };
        let at = ms(130);
        bench.tell(state, at);
        bench.timeout(at);
        assert_eq!(bench.node.snapshot(at).role, expected, "{eligible}");
    }
}
