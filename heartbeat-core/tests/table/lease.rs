//! The master: what renews its lease, and what ends it.

use std::time::Duration;

use heartbeat_core::event::{Refusal, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::snapshot::{Reason, Role};
use heartbeat_core::{Command, Epoch, Event, Instant};

use super::bench::*;
use super::states::*;

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
            "a grant to the question before the first probe",
            with(|reply| reply.granted_sequence -= 2),
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
fn a_lease_that_ends_while_its_holder_does_not_run_is_lost_by_that() {
    for (lateness_ms, own_fault) in [(0, false), (9, false), (19, false), (20, true), (45, true)] {
        let (mut bench, _) = master();
        bench.turn(&[], ms(63));
        let lateness = Duration::from_millis(lateness_ms);
        bench.late_turn(&[], lateness, ms(109));
        let snapshot = bench.node.snapshot(ms(109));
        let expected = if own_fault {
            Reason::Late(lateness)
        } else {
            Reason::MajorityLost
        };
        assert_eq!((snapshot.role, snapshot.reason), (Role::Slave, expected));
    }
}

#[test]
fn a_master_that_finds_another_one_when_it_runs_again_names_its_own_lateness() {
    for (lateness_ms, own_fault) in [(0, false), (45, true)] {
        let (mut bench, _) = master();
        bench.turn(&[], ms(63));
        let another = Epoch::new(8, 1);
        bench.words = probed(another, ms(118), 2);
        let lateness = Duration::from_millis(lateness_ms);
        bench.late_turn(&[], lateness, ms(119));
        let expected = if own_fault {
            Reason::Late(lateness)
        } else {
            Reason::HigherEpoch(another)
        };
        assert_eq!(bench.node.snapshot(ms(119)).reason, expected);
    }
}

#[test]
fn a_lease_that_ends_during_a_turn_that_takes_too_long_is_lost_by_that() {
    for (ended_ms, own_fault) in [(102, false), (118, true)] {
        let (mut bench, _) = master();
        bench.turn(&[], ms(88));
        bench.timeout(ms(ended_ms));
        let snapshot = bench.node.snapshot(ms(ended_ms));
        let expected = if own_fault {
            Reason::Late(Duration::from_millis(20))
        } else {
            Reason::MajorityLost
        };
        assert_eq!((snapshot.role, snapshot.reason), (Role::Slave, expected));
    }
}

#[test]
fn a_turn_is_due_a_period_after_the_last_one_should_have_been() {
    for (ended_ms, late_ms) in [(113, 20), (114, 21)] {
        let (mut bench, _) = master();
        bench.late_turn(&[], Duration::from_millis(5), ms(88));
        bench.timeout(ms(ended_ms));
        let reason = bench.node.snapshot(ms(ended_ms)).reason;
        assert_eq!(reason, Reason::Late(Duration::from_millis(late_ms)));
    }
}

#[test]
fn a_lateness_before_the_last_renewal_is_no_reason() {
    let (mut bench, _) = master();
    bench.late_turn(&[], Duration::from_millis(25), ms(63));
    let replies = [bench.reply(1, ms(63)), bench.reply(3, ms(63))];
    bench.turn(&replies, ms(73));
    bench.turn(&[], ms(120));
    assert_eq!(bench.node.snapshot(ms(120)).reason, Reason::MajorityLost);
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

#[test]
fn only_a_plausible_refusal_of_this_epoch_for_a_higher_promise_asks_for_a_higher_round() {
    let none = Epoch::new(4, 1);
    let far = Epoch::new(1 << 40, 1);
    for (epoch, promised, probed, expected) in [
        (Epoch::new(5, 2), Epoch::new(9, 1), none, true),
        (Epoch::new(4, 2), Epoch::new(9, 1), none, false),
        (Epoch::new(5, 2), far, none, false),
        (Epoch::new(5, 2), Epoch::new(9, 1), far, false),
        (Epoch::new(5, 2), Epoch::new(5, 2), none, false),
    ] {
        let (mut bench, _) = master();
        let refusal = Refusal {
            from: 1,
            epoch,
            promised,
            probed,
        };
        let said = lines(&bench.handle(Event::Refusal(refusal), ms(63)));
        let asks = said.iter().any(|line| line.starts_with("promise"));
        assert_eq!(asks, expected, "{promised:?} {probed:?} {said:?}");
    }
}

#[test]
fn what_was_granted_to_the_old_rounds_probes_renews_no_lease_of_the_higher_one() {
    let (mut bench, _) = attempting();
    let old = bench.asked.0;
    bench.vote(3, VoteAnswer::Granted, ms(64));
    assert_ne!(bench.asked.0, old);
    let late = Reply {
        granted_sequence: old,
        ..bench.reply(3, ms(70))
    };
    let said = lines(&bench.turn(&[late], ms(73)));
    assert!(
        !said.iter().any(|line| line.starts_with("lease")),
        "{said:?}"
    );
    let granted = bench.reply(3, ms(73));
    let said = lines(&bench.turn(&[granted], ms(83)));
    assert!(
        said.iter().any(|line| line.starts_with("lease of 10.2")),
        "{said:?}"
    );
}

#[test]
fn a_higher_round_is_not_asked_for_faster_than_one_fails() {
    let (mut bench, now) = attempting();
    for from in [1, 3] {
        bench.vote(from, VoteAnswer::NotAllowed, now);
    }
    let asks = |bench: &mut Bench, at| {
        let said = lines(&bench.refusal(1, Epoch::new(20, 1), Epoch::new(4, 1), at));
        said.iter().any(|line| line.starts_with("promise"))
    };
    // The first one was asked for at 63 ms, and an answer is waited for 25 ms.
    assert!(!asks(&mut bench, Instant(ms(88).0 - 1)));
    assert!(asks(&mut bench, ms(88)));
}

#[test]
fn without_a_control_port_a_higher_round_is_asked_for_once_grants_are_missed() {
    // The own probe that the lease rests on, the older one of two.
    const SENT: Instant = Instant(START.0 + 62_000_000);
    let asks_after = |since: Duration| {
        let (mut bench, now) = master();
        let granted = bench.reply(3, now);
        bench.turn(&[granted], now);
        let said = lines(&bench.refusal(1, Epoch::new(9, 1), Epoch::new(4, 1), SENT + since));
        said.iter().any(|line| line.starts_with("promise"))
    };
    let tolerated = TIMING.period * 3 / 2;
    assert!(!asks_after(tolerated));
    assert!(asks_after(tolerated + Duration::from_nanos(1)));
}
