//! Where a pair's node stops: who asks nobody, whose answer says nothing, and for how long a word is good.

use std::time::Duration;

use heartbeat_core::config::PairRules;
use heartbeat_core::event::{KernelWords, Order, QueryAnswer, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::pair::LastRole;
use heartbeat_core::snapshot::{Alarm, Guarantee, Role};
use heartbeat_core::{Command, Epoch, Event, Instant, Slot};
use heartbeat_wire::frame::flag;

use super::bench::*;
use super::pair_states::*;

fn role(bench: &Bench, now: Instant) -> Role {
    bench.node.snapshot(now).role
}

fn exits(commands: &[Command]) -> bool {
    commands
        .iter()
        .any(|command| matches!(command, Command::Exit))
}

#[test]
fn who_may_not_stand_finds_its_peer_silent_and_asks_no_reference() {
    for (in_maintenance, asks) in [(false, true), (true, false)] {
        let (mut bench, now) = following();
        bench.handle(Event::Order(Order::Maintenance(in_maintenance)), now);
        bench.run_to(ms(60));
        assert_ne!(bench.pair_ask, 0, "it asked its peer in vain");
        assert_eq!(bench.reference != 0, asks, "{in_maintenance}");
    }
}

#[test]
fn a_network_is_not_judged_by_a_peer_that_answers_nowhere() {
    let (mut bench, _) = bridging();
    let mut commands = Vec::new();
    for at in (100..200).step_by(10) {
        bench.reference_answers(ms(at - 4));
        commands.extend(bench.turn(&[], ms(at)));
        bench.run_to(ms(at + 5));
    }
    assert_eq!(bench.node.snapshot(ms(195)).guarantee, Guarantee::Evidence);
    let probes = commands
        .iter()
        .filter(|command| matches!(command, Command::Probe(_)));
    assert_eq!(probes.count(), 10, "all of them in vain");
    assert!(
        !commands
            .iter()
            .any(|command| matches!(command, Command::Alarm(Alarm::Degraded, true)))
    );
}

#[test]
fn the_peer_may_answer_each_of_the_four_newest_questions() {
    for (asked_since, is_known) in [(1, true), (3, true), (4, false)] {
        let (mut bench, _) = battle_of_the_lower();
        let question = bench.pair_ask;
        let now = ms(52 + 10 * asked_since);
        bench.run_to(now);
        assert_ne!(bench.pair_ask, question);
        bench.pair_ask = question;
        bench.tell(peer_state(Role::BattleMaster, 900), now);
        let is_decided = role(&bench, now) == Role::Candidate;
        assert_eq!(is_decided, is_known, "{asked_since}");
    }
}

/// Whether slot 2 still takes slot 1 for silent after this slot's kernel answered that its gate is open, by the
/// business network, on which silence is asked for or not.
fn stays_silent(business_silent: bool, from: Slot) -> bool {
    let rules = PairRules {
        business_silent,
        ..PairRules::DEFAULT
    };
    let mut bench = begin(2, rules, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    bench.kernel(probed(MASTERED, ms(10), 2), ms(10));
    bench.run_to(ms(45));
    let asked = bench.reference;
    assert_ne!(asked, 0);
    let answer = QueryAnswer {
        from,
        sequence: 9,
        arrival: ms(46),
        gate_open: true,
        ..QueryAnswer::default()
    };
    bench.handle(Event::QueryAnswer(answer), ms(46));
    bench.run_to(ms(55));
    bench.reference != asked
}

#[test]
fn a_kernel_that_answers_ends_the_peers_silence_if_it_is_the_peers_and_its_network_counts() {
    assert!(!stays_silent(true, 1));
    assert!(stays_silent(false, 1));
    assert!(stays_silent(true, 3));
}

#[test]
fn the_lower_slot_that_was_a_slave_lets_the_last_master_come_up() {
    let rules = PairRules {
        references: 0,
        ..PairRules::DEFAULT
    };
    let mut bench = begin(1, rules, Some(record(LastRole::Slave, 9_000)));
    bench.turn(&[], START);
    // One grant that a master would have renewed, then the longest lease.
    let free_at = ms(50) + TIMING.max_lease;
    let before = free_at - Duration::from_nanos(1);
    bench.run_to(before);
    bench.timeout(before);
    assert_eq!(role(&bench, before), Role::Slave);
    bench.timeout(free_at);
    assert_eq!(role(&bench, free_at), Role::Master);
}

#[test]
fn a_master_takes_no_other_round_by_the_evidence_that_keeps_it() {
    let rules = PairRules {
        business_silent: false,
        ..PairRules::DEFAULT
    };
    let mut bench = begin(2, rules, Some(record(LastRole::Master, 500)));
    bench.turn(&[], START);
    bench.tell(peer_state(Role::Slave, 9_000), ms(50));
    bench.answer(1, Duration::ZERO, ms(51));
    bench.vote(1, VoteAnswer::Granted, ms(52));
    bench.run_master_to(53, 88);
    bench.reference_answers(ms(89));
    // It has no turn, so its grant to itself ends while the reference keeps its lease.
    for at in (98..288).step_by(10) {
        bench.run_to(ms(at));
        let (id, reference) = (bench.reference, 0);
        let answer = Event::ReferenceAnswer { id, reference };
        bench.node.handle(answer, ms(at + 1));
        // Taken from the node itself: a promise that it made here it would make again for ever.
        let commands: Vec<_> = std::iter::from_fn(|| bench.node.poll_command()).collect();
        let is_renewed_only = matches!(commands[..], [Command::Lease { .. }]);
        assert!(is_renewed_only, "{:?}", lines(&commands));
    }
    assert_eq!(role(&bench, ms(279)), Role::Master);
}

#[test]
fn the_peers_word_on_its_role_is_good_for_two_periods() {
    for (told_at, is_good) in [(30, true), (29, false)] {
        let mut bench = begin(2, PairRules::DEFAULT, Some(record(LastRole::Master, 500)));
        bench.turn(&[], START);
        bench.tell(peer_state(Role::Slave, 9_000), ms(told_at));
        bench.run_to(ms(49));
        assert_eq!(role(&bench, ms(49)), Role::IsMaster);
        bench.timeout(ms(50));
        let stands = role(&bench, ms(50)) == Role::Candidate;
        assert_eq!(stands, is_good, "{told_at}");
    }
}

#[test]
fn a_probe_that_is_granted_nothing_and_slips_in_before_the_promise_is_heard() {
    for (arrival, expected) in [(ms(10), Role::Master), (ms(96), Role::Slave)] {
        let (mut bench, _) = ready();
        // It names another electors' set: the old grant's end stays, and is long over.
        bench.slips_in = Some(KernelWords {
            arrival,
            ..bench.words
        });
        bench.reference_answers(ms(97));
        assert!(bench.slips_in.is_none(), "a round was promised");
        assert_eq!(role(&bench, ms(97)), expected);
    }
}

#[test]
fn that_the_peer_abstains_is_forgotten_with_the_mastership_that_it_answered() {
    let (mut bench, _) = elected();
    bench.turn(&[], ms(60));
    let abstains = Reply {
        granted_sequence: 0,
        flags: flag::ABSTAINS | flag::NO_GRANT,
        ..bench.reply(1, ms(60))
    };
    bench.read(&[abstains], ms(62));
    assert_ne!(bench.reference, 0);
    // The reference does not answer, so the lease by the vote is not renewed; the peer is heard.
    bench.message(1, Message::Poll { id: 1 }, ms(85));
    bench.run_to(ms(94));
    assert_eq!(role(&bench, ms(94)), Role::Slave);
    let asked = bench.reference;
    bench.message(1, Message::Poll { id: 2 }, ms(95));
    bench.run_to(ms(125));
    assert_eq!(bench.reference, asked, "nothing hangs on it");
    bench.run_to(ms(131));
    assert_ne!(bench.reference, asked, "the peer is silent");
}

#[test]
fn a_master_that_stops_exits_when_its_peer_has_its_vote_or_a_lease_has_passed() {
    let handed_over = || {
        let (mut bench, _) = elected();
        bench.turn(&[], ms(60));
        let granted = bench.reply(1, ms(60));
        bench.turn(&[granted], ms(70));
        let commands = bench.handle(Event::Order(Order::Stop), ms(71));
        assert!(!exits(&commands));
        bench
    };
    let mut bench = handed_over();
    let commands = bench.message(1, vote_request(Epoch::new(20, 1), 5), ms(75));
    assert!(exits(&commands), "{:?}", lines(&commands));
    let mut bench = handed_over();
    assert!(!exits(&bench.timeout(ms(120))));
    assert!(exits(&bench.timeout(ms(121))));
}
