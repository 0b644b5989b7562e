//! Answers to our own questions: what is counted, and what never is.

use heartbeat_tests::kernel::Kernel;
use heartbeat_tests::kernel::frames::Heartbeat;
use heartbeat_user::datapath::{MergedReply, Question};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::flag;
use heartbeat_wire::maps::{EventKind, Reply, SENT_RECORDS};
use heartbeat_wire::{Epoch, Kind, Verdict};

use crate::verdicts::{OWN_EPOCH, answer, body, query_answer, run};

/// What is counted of slot 3, who answers in these tests.
fn record(kernel: &mut Kernel) -> Reply {
    let mut merged = [MergedReply {
        slot: 3,
        ..MergedReply::default()
    }];
    kernel
        .opened
        .replies
        .read(&mut merged)
        .expect("it can be read");
    merged[0].reply
}

fn count_of(kernel: &mut Kernel, verdict: Verdict) -> u64 {
    let counted = kernel.verdicts().expect("counters can be read");
    counted.get(&verdict).copied().unwrap_or(0)
}

#[test]
fn a_reply_is_recorded_with_the_send_time_of_our_own_record() {
    let Some(mut kernel) = crate::kernel("a_reply_is_recorded") else {
        return;
    };
    let reply = body(answer(&kernel, Kind::Reply, 7), |frame| {
        frame.daemon_age_us = 11;
        frame.service_age_us = 12;
        frame.config_digest = 13;
        frame.info_version = 14;
        frame.role = 1;
        frame.gate = 1;
        frame.diagnosis = 15;
        frame.flags = flag::ELIGIBLE;
    });
    run(&kernel, std::slice::from_ref(&reply));
    let found = record(&mut kernel);
    let sent_ns = reply.frame.sent_ns;
    let expected = Reply {
        granted_sequence: 7,
        granted_sent_ns: sent_ns,
        sequence: 7,
        arrival_ns: found.arrival_ns,
        count: 1,
        epoch: OWN_EPOCH.0,
        incarnation: 0x1003,
        rtt_ns: found.arrival_ns - sent_ns,
        config_digest: 13,
        info_version: 14,
        daemon_age_us: 11,
        service_age_us: 12,
        elector_version: reply.frame.elector_version,
        elector_digest: reply.frame.elector_digest,
        diagnosis: 15,
        role: 1,
        gate: 1,
        flags: flag::ELIGIBLE,
        ..Reply::default()
    };
    assert_eq!(found, expected);
    assert!((sent_ns..=boot_ns()).contains(&found.arrival_ns));
    let round_trips = kernel
        .opened
        .statistics
        .round_trips()
        .expect("it can be read");
    assert_eq!(round_trips.iter().sum::<u64>(), 1);
}

#[test]
fn a_copy_and_a_late_reply_change_nothing() {
    let Some(mut kernel) = crate::kernel("a_copy_and_a_late_reply") else {
        return;
    };
    let (older, newer) = (
        answer(&kernel, Kind::Reply, 20),
        answer(&kernel, Kind::Reply, 21),
    );
    run(&kernel, std::slice::from_ref(&newer));
    let before = record(&mut kernel);
    run(&kernel, &[newer, older]);
    assert_eq!(record(&mut kernel), before);
    assert_eq!(count_of(&mut kernel, Verdict::Repeated), 2);
}

/// What must equal our record; one thing off, and the reply belongs to another life or another probe.
#[test]
fn a_reply_that_differs_from_our_record_in_one_thing_is_stale() {
    let Some(mut kernel) = crate::kernel("a_reply_that_differs_from_our_record") else {
        return;
    };
    let right = || answer(&kernel, Kind::Reply, 30);
    let wrong: [(&str, Heartbeat); 4] = [
        (
            "epoch",
            body(right(), |frame| frame.epoch = Epoch::new(8, 2).0),
        ),
        ("send time", body(right(), |frame| frame.sent_ns -= 1)),
        ("sequence", body(right(), |frame| frame.sequence += 1)),
        (
            "no sequence at all",
            body(right(), |frame| frame.sequence -= 30),
        ),
    ];
    for (what, heartbeat) in &wrong {
        run(&kernel, std::slice::from_ref(heartbeat));
        assert_eq!(record(&mut kernel), Reply::default(), "{what}");
    }
    assert_eq!(count_of(&mut kernel, Verdict::Stale), 4);
    let witness = answer(&kernel, Kind::Reply, 30);
    run(&kernel, &[witness]);
    assert_eq!(record(&mut kernel).granted_sequence, 30);
}

#[test]
fn a_reply_after_the_detect_time_is_stale() {
    let Some(mut kernel) = crate::kernel("a_reply_after_the_detect_time") else {
        return;
    };
    let mut late = answer(&kernel, Kind::Reply, 40);
    let sent_ns = boot_ns() - 60_000_000;
    kernel.opened.words.record_question(&Question {
        kind: Kind::Probe,
        epoch: OWN_EPOCH,
        sequence: 40,
        sent_ns,
    });
    late.frame.sent_ns = sent_ns;
    run(&kernel, &[late]);
    assert_eq!(count_of(&mut kernel, Verdict::Stale), 1);
    assert_eq!(record(&mut kernel), Reply::default());
}

#[test]
fn a_reply_without_a_grant_counts_for_health_only() {
    let Some(mut kernel) = crate::kernel("a_reply_without_a_grant") else {
        return;
    };
    run(&kernel, &[answer(&kernel, Kind::Reply, 50)]);
    let no_grant = body(answer(&kernel, Kind::Reply, 51), |frame| {
        frame.flags = flag::NO_GRANT;
    });
    let other_electors = body(answer(&kernel, Kind::Reply, 52), |frame| {
        frame.elector_digest ^= 1;
    });
    run(&kernel, &[no_grant, other_electors]);
    let found = record(&mut kernel);
    assert_eq!((found.granted_sequence, found.sequence), (50, 52));
    assert_eq!(count_of(&mut kernel, Verdict::ReplyNoGrant), 2);
}

#[test]
fn a_grant_whose_record_is_overwritten_is_told_no_more() {
    let Some(mut kernel) = crate::kernel("a_grant_whose_record_is_overwritten") else {
        return;
    };
    run(&kernel, &[answer(&kernel, Kind::Reply, 60)]);
    assert_eq!(record(&mut kernel).granted_sequence, 60);
    kernel.opened.words.record_question(&Question {
        kind: Kind::Probe,
        epoch: OWN_EPOCH,
        sequence: 60 + SENT_RECORDS as u64,
        sent_ns: boot_ns(),
    });
    let found = record(&mut kernel);
    assert_eq!((found.granted_sequence, found.granted_sent_ns), (0, 0));
}

#[test]
fn an_answer_to_a_query_is_handed_over_once() {
    let Some(mut kernel) = crate::kernel("an_answer_to_a_query") else {
        return;
    };
    let first = body(query_answer(&kernel, 70), |frame| {
        frame.lease_us = 1_234;
        frame.promised_epoch = 5;
        frame.probed_epoch = 4;
        frame.flags = flag::ABSTAINS;
    });
    run(&kernel, &[first.clone(), first]);
    let event = kernel.opened.events.next_event().expect("one event");
    assert_eq!(event.kind, EventKind::QueryAnswer as u32);
    assert_eq!((event.slot, event.sequence), (3, 70));
    assert_eq!((event.promised_epoch, event.probed_epoch), (5, 4));
    assert_eq!((event.lease_us, event.flags), (1_234, flag::ABSTAINS));
    assert_eq!(kernel.opened.events.next_event(), None, "the copy is none");
    let found = record(&mut kernel);
    assert_eq!((found.query_sequence, found.granted_sequence), (70, 0));
}

#[test]
fn a_refusal_is_told_once_and_only_a_probed_epoch_shuts_the_gate() {
    let Some(mut kernel) = crate::kernel("a_refusal_is_told_once") else {
        return;
    };
    let higher = Epoch::new(10, 3);
    let promised = body(answer(&kernel, Kind::Refusal, 80), |frame| {
        frame.flags = flag::NO_GRANT;
        frame.promised_epoch = higher.0;
    });
    run(&kernel, &[promised.clone(), promised]);
    assert_eq!(kernel.opened.words.grant().probed_epoch, 0);
    let probed = body(answer(&kernel, Kind::Refusal, 81), |frame| {
        frame.flags = flag::NO_GRANT | flag::PROBED;
        frame.probed_epoch = higher.0;
    });
    run(&kernel, &[probed]);
    assert_eq!(kernel.opened.words.grant().probed_epoch, higher.0);
    let told: Vec<_> = std::iter::from_fn(|| kernel.opened.events.next_event()).collect();
    let kinds: Vec<_> = told
        .iter()
        .map(|event| (event.kind, event.sequence))
        .collect();
    let refusal = EventKind::Refusal as u32;
    assert_eq!(kinds, [(refusal, 80), (refusal, 81)]);
    assert_eq!(record(&mut kernel).granted_sequence, 0);
}

#[test]
fn a_restart_changes_the_incarnation_once_and_two_machines_alternate() {
    let Some(mut kernel) = crate::kernel("a_restart_changes_the_incarnation") else {
        return;
    };
    let by = |kernel: &Kernel, sequence, incarnation| {
        body(answer(kernel, Kind::Reply, sequence), |frame| {
            frame.incarnation = incarnation;
        })
    };
    run(&kernel, &[by(&kernel, 90, 1), by(&kernel, 91, 2)]);
    assert_eq!(record(&mut kernel).clash_ns, 0, "a restart");
    let before_ns = boot_ns();
    run(&kernel, &[by(&kernel, 92, 1)]);
    assert!(record(&mut kernel).clash_ns >= before_ns, "back again");
}

#[test]
fn two_machines_that_answer_the_same_probe_are_seen_though_one_answer_is_a_repetition() {
    let Some(mut kernel) = crate::kernel("two_machines_that_answer_the_same_probe") else {
        return;
    };
    for sequence in 95..98 {
        let one = answer(&kernel, Kind::Reply, sequence);
        let mut other = one.clone();
        other.frame.incarnation ^= 0xff;
        run(&kernel, &[one, other]);
    }
    assert!(record(&mut kernel).clash_ns > 0);
}
