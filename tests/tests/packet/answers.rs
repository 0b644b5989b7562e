//! What answers say, and to whom they go.

use heartbeat_tests::kernel::frames::{Answer, Heartbeat, mac, probe, query};
use heartbeat_tests::kernel::{
    Family, KEYS, OWN_MAC, OWN_SLOT, XDP_DROP, XDP_TX, address, business_address, config,
};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::frame::{AGE_UNKNOWN, flag, gate_state, role};
use heartbeat_wire::tag::verify;
use heartbeat_wire::{Epoch, Kind, Verdict};

use crate::verdicts::{EPOCH, NEWER, body, configure, run};

#[test]
fn a_reply_goes_to_the_members_configured_address_and_says_who_answers() {
    for family in Family::BOTH {
        let Some(kernel) = crate::kernel_over("a_reply_goes_to_the_member", family) else {
            return;
        };
        let question = probe(EPOCH, 41).over(family);
        let (_, ran) = run(&kernel, std::slice::from_ref(&question));
        let answer = Answer::read(&ran.packet, 0);
        assert_eq!(answer.to, family.address(1));
        assert_eq!(answer.from, family.address(OWN_SLOT));
        assert_eq!(answer.to_mac, mac(1));
        assert_eq!(
            answer.from_mac, OWN_MAC,
            "never the group's hardware address, which no bridge lets through as a source"
        );
        let frame = answer.frame;
        assert!(verify(&frame, &KEYS[0]));
        assert_eq!(frame.kind, Kind::Reply as u8);
        assert_eq!(frame.sender, OWN_SLOT);
        assert_eq!(frame.incarnation, kernel.opened.kept.incarnation);
        assert_eq!(
            (frame.epoch, frame.sequence, frame.sent_ns),
            (EPOCH.0, 41, question.frame.sent_ns),
            "echoed"
        );
        assert_eq!(frame.config_digest, config().config_digest);
        assert_eq!(frame.probed_epoch, EPOCH.0);
        assert_eq!(frame.flags & flag::NO_GRANT, 0);
    }
}

#[test]
fn the_checksum_of_an_answer_is_whole_whatever_its_body_sums_to() {
    for family in Family::BOTH {
        let Some(kernel) = crate::kernel_over("the_checksum_of_an_answer", family) else {
            return;
        };
        for sequence in 1..=300 {
            // Read asserts that the sum is right and the field is not zero.
            let (_, ran) = run(&kernel, &[probe(EPOCH, sequence).over(family)]);
            assert_eq!(Answer::read(&ran.packet, 0).frame.sequence, sequence);
        }
    }
}

#[test]
fn what_came_over_the_business_network_is_answered_there_and_grants_the_same() {
    let Some(mut kernel) = crate::kernel("what_came_over_the_business_network_is_answered_there")
    else {
        return;
    };
    let by_business = |sequence| Heartbeat {
        source: business_address(1),
        destination: business_address(OWN_SLOT),
        ..probe(EPOCH, sequence)
    };
    let (_, ran) = run(&kernel, &[by_business(41)]);
    assert_eq!(ran.action, XDP_TX);
    let answer = Answer::read(&ran.packet, 0);
    assert_eq!(answer.to, business_address(1));
    assert_eq!(answer.from, business_address(OWN_SLOT));
    assert!(verify(&answer.frame, &KEYS[0]));
    for stranger in [3, 77] {
        let forged = Heartbeat {
            source: business_address(stranger),
            ..by_business(42)
        };
        let (_, ran) = run(&kernel, &[forged]);
        assert_eq!(ran.action, XDP_DROP, "slot {stranger} is not the sender");
    }
    let verdicts = kernel.verdicts().expect("they are readable");
    let count = |verdict| verdicts.get(&verdict).copied();
    assert_eq!(count(Verdict::Granted), Some(1));
    assert_eq!(count(Verdict::Impostor), Some(2));
}

#[test]
fn a_reply_is_signed_with_the_signing_key_whichever_the_question_used() {
    let Some(kernel) = crate::kernel("a_reply_is_signed_with_the_signing_key") else {
        return;
    };
    let by_older_key = |sequence| Heartbeat {
        key: KEYS[1],
        key_slot: 1,
        ..probe(EPOCH, sequence)
    };
    let (_, ran) = run(&kernel, &[by_older_key(1)]);
    let frame = Answer::read(&ran.packet, 0).frame;
    assert_eq!(frame.key_slot, 0);
    assert!(verify(&frame, &KEYS[0]));
    configure(&kernel, |config| config.signing_slot = 1);
    let (_, ran) = run(&kernel, &[by_older_key(2)]);
    let frame = Answer::read(&ran.packet, 0).frame;
    assert_eq!(frame.key_slot, 1);
    assert!(verify(&frame, &KEYS[1]));
}

#[test]
fn a_tag_in_the_frames_bytes_stays_in_the_answer() {
    for (family, ether_type) in [(Family::V4, [0x08, 0x00]), (Family::V6, [0x86, 0xdd])] {
        let Some(kernel) = crate::kernel_over("a_tag_in_the_frames_bytes_stays", family) else {
            return;
        };
        let tagged = Heartbeat {
            tag: Some(0x6123),
            ..probe(EPOCH, 1).over(family)
        };
        let (_, ran) = run(&kernel, &[tagged]);
        assert_eq!(ran.action, XDP_TX);
        assert_eq!(ran.packet[12..16], [0x81, 0x00, 0x61, 0x23]);
        assert_eq!(ran.packet[16..18], ether_type);
        assert!(verify(&Answer::read(&ran.packet, 4).frame, &KEYS[0]));
    }
}

#[test]
fn every_word_of_the_daemons_stands_in_the_reply() {
    let Some(kernel) = crate::kernel("every_word_of_the_daemons_stands_in_the_reply") else {
        return;
    };
    let words = &kernel.opened.words;
    let (_, ran) = run(&kernel, &[probe(EPOCH, 1)]);
    let unwritten = Answer::read(&ran.packet, 0).frame;
    assert_eq!(unwritten.daemon_age_us, AGE_UNKNOWN, "it never gave a sign");
    assert_eq!(unwritten.service_age_us, AGE_UNKNOWN);
    assert_eq!(unwritten.gate, gate_state::SHUT);

    let now_ns = boot_ns();
    words.beat(now_ns - 3_000_000);
    words.set_service(now_ns - 9_000_000);
    words.set_role(role::MASTER);
    words.set_diagnosis(0x0102);
    words.set_eligible(true);
    words.set_info_version(77);
    words.promise(EPOCH);
    words.set_lease(EPOCH, now_ns + 100_000_000);
    let (_, ran) = run(&kernel, &[probe(EPOCH, 2)]);
    let written = Answer::read(&ran.packet, 0).frame;
    let within = |age_us: u32, least_us: u32| (least_us..least_us + 1_000_000).contains(&age_us);
    assert!(within(written.daemon_age_us, 3_000), "{written:?}");
    assert!(within(written.service_age_us, 9_000), "{written:?}");
    assert_eq!(written.role, role::MASTER);
    assert_eq!(written.diagnosis, 0x0102);
    assert_eq!(written.flags, flag::ELIGIBLE);
    assert_eq!(written.info_version, 77);
    assert_eq!(written.promised_epoch, EPOCH.0);
    assert_eq!(written.gate, gate_state::OPEN);
}

#[test]
fn a_query_is_answered_with_promises_and_the_rest_of_the_grant_and_changes_nothing() {
    let Some(kernel) = crate::kernel("a_query_is_answered") else {
        return;
    };
    let words = &kernel.opened.words;
    let free = run(&kernel, &[query(3, NEWER, 1)]).1;
    assert_eq!(Answer::read(&free.packet, 0).frame.lease_us, 0);

    words.promise(EPOCH);
    let (_, _) = run(&kernel, &[probe(EPOCH, 1)]);
    let before = words.grant();
    let (_, ran) = run(&kernel, &[query(3, NEWER, 2)]);
    let frame = Answer::read(&ran.packet, 0).frame;
    assert_eq!(frame.kind, Kind::Reply as u8);
    assert_eq!(Answer::read(&ran.packet, 0).to, address(3));
    assert_eq!((frame.epoch, frame.sequence), (NEWER.0, 2), "echoed");
    assert_eq!(frame.promised_epoch, EPOCH.0);
    assert_eq!(frame.probed_epoch, EPOCH.0);
    assert!((1..=50_000).contains(&frame.lease_us), "{}", frame.lease_us);
    assert_eq!(frame.flags & flag::ABSTAINS, 0);
    assert_eq!(words.grant(), before, "a query records nothing");
    assert_eq!(words.control().promised_epoch, EPOCH.0);

    words.set_abstain_until(boot_ns() + 1_000_000_000);
    let (_, ran) = run(&kernel, &[query(3, NEWER, 3)]);
    let frame = Answer::read(&ran.packet, 0).frame;
    assert_eq!(frame.flags & flag::ABSTAINS, flag::ABSTAINS);
}

#[test]
fn the_longer_of_the_grants_by_probe_and_by_vote_is_told() {
    let Some(kernel) = crate::kernel("the_longer_of_the_grants") else {
        return;
    };
    let words = &kernel.opened.words;
    words.set_vote(NEWER, 0x1003, boot_ns() + 150_000_000);
    let (_, ran) = run(&kernel, &[query(3, NEWER, 1)]);
    let left_us = Answer::read(&ran.packet, 0).frame.lease_us;
    assert!((50_001..=150_000).contains(&left_us), "{left_us}");
    words.set_released(NEWER);
    let (_, ran) = run(&kernel, &[query(3, NEWER, 2)]);
    assert_eq!(Answer::read(&ran.packet, 0).frame.lease_us, 0, "released");
}

#[test]
fn a_refusal_says_whether_the_newer_epoch_was_probed() {
    let Some(kernel) = crate::kernel("a_refusal_says_whether") else {
        return;
    };
    kernel.opened.words.promise(NEWER);
    let (_, ran) = run(&kernel, &[probe(EPOCH, 1)]);
    let promised = Answer::read(&ran.packet, 0).frame;
    assert_eq!(promised.kind, Kind::Refusal as u8);
    assert_eq!(promised.flags, flag::NO_GRANT);
    assert_eq!(promised.promised_epoch, NEWER.0);
    assert_eq!((promised.epoch, promised.sequence), (EPOCH.0, 1), "echoed");

    let (_, ran) = run(&kernel, &[probe(NEWER, 1), probe(Epoch::new(7, 5), 1)]);
    let probed = Answer::read(&ran.packet, 0).frame;
    assert_eq!(probed.kind, Kind::Refusal as u8);
    assert_eq!(probed.flags, flag::NO_GRANT | flag::PROBED);
    assert_eq!(probed.probed_epoch, NEWER.0);
}

#[test]
fn no_answer_grants_where_the_verdict_does_not() {
    let Some(kernel) = crate::kernel("no_answer_grants_where") else {
        return;
    };
    let words = &kernel.opened.words;
    let others = body(probe(EPOCH, 1), |frame| frame.elector_digest ^= 1);
    let (_, ran) = run(&kernel, &[others]);
    assert_eq!(Answer::read(&ran.packet, 0).frame.flags, flag::NO_GRANT);
    let none = body(probe(EPOCH, 2), |frame| frame.lease_us = 0);
    let (_, ran) = run(&kernel, &[none]);
    assert_eq!(Answer::read(&ran.packet, 0).frame.flags, flag::NO_GRANT);
    assert_eq!(words.grant().end_ns, 0, "neither is a grant");
    words.set_abstain_until(boot_ns() + 1_000_000_000);
    let (_, ran) = run(&kernel, &[probe(EPOCH, 3)]);
    let frame = Answer::read(&ran.packet, 0).frame;
    assert_eq!(frame.flags, flag::NO_GRANT | flag::ABSTAINS);
    assert!(
        words.grant().end_ns > 0,
        "recorded, though it counts for no lease"
    );
}

#[test]
fn refusals_are_limited_for_each_sender_and_in_all() {
    let Some(mut kernel) = crate::kernel("refusals_are_limited") else {
        return;
    };
    kernel.opened.words.promise(NEWER);
    let mut refused = 0;
    let started_ns = boot_ns();
    for sequence in 1..=2_000 {
        let (_, ran) = run(&kernel, &[probe(EPOCH, sequence)]);
        assert!([XDP_TX, XDP_DROP].contains(&ran.action));
        refused += u64::from(ran.action == XDP_TX);
    }
    let elapsed_ns = boot_ns() - started_ns;
    let by_gap = elapsed_ns / heartbeat_wire::maps::REFUSAL_GAP_NS + 1;
    let windows = elapsed_ns / heartbeat_wire::maps::LIMIT_WINDOW_NS + 1;
    let in_all = windows * heartbeat_wire::maps::REFUSALS_PER_WINDOW;
    assert!(
        (1..=by_gap.min(in_all)).contains(&refused),
        "{refused} refusals in {elapsed_ns} ns"
    );
    let counted = kernel.verdicts().expect("counters can be read");
    assert_eq!(counted[&Verdict::Refused], refused);
    assert_eq!(counted[&Verdict::RefusalLimited], 2_000 - refused);
}
