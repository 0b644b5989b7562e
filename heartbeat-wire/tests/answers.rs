//! How answers to our questions count, what our own answers say, and when the gate is open.

use heartbeat_wire::answer::{Own, grant_end_ns, grant_left_us, write_answer};
use heartbeat_wire::frame::{AGE_UNKNOWN, age_us, flag, gate_state, role};
use heartbeat_wire::gate::{SLOT_LEASES, gate_is_open, slot_lease_is_open, taken_gate_is_open};
use heartbeat_wire::histogram::{BUCKETS, bucket_of, lower_bound_ns};
use heartbeat_wire::maps::{Config, Control, Grant, Sent};
use heartbeat_wire::matching::match_answer;
use heartbeat_wire::{Epoch, Frame, Kind, Verdict};

const NOW_NS: u64 = 1_000_000_000;
const EPOCH: Epoch = Epoch::new(7, 2);
const NEWER: Epoch = Epoch::new(8, 3);

fn config() -> Config {
    Config {
        detect_ns: 50_000_000,
        max_lease_ns: 200_000_000,
        elector_version: 5,
        elector_digest: 0xed,
        slot: 2,
        incarnation: 0x0123,
        config_digest: 0xcd,
        ..Config::default()
    }
}

#[test]
fn who_asks_by_the_next_set_is_answered_by_it_and_who_asks_by_another_by_the_one_in_force() {
    let config = Config {
        next_version: 6,
        next_digest: 0xee,
        ..config()
    };
    let answered = |version: u32, digest: u32| {
        let mut frame = answer_to(&sent(Kind::Query));
        (frame.elector_version, frame.elector_digest) = (version, digest);
        let own = Own {
            config: &config,
            control: &Control::default(),
            grant: &Grant::default(),
            now_ns: NOW_NS,
        };
        write_answer(&mut frame, Kind::Reply, Verdict::QueryAnswered, &own);
        (frame.elector_version, frame.elector_digest)
    };
    assert_eq!(answered(5, 0xed), (5, 0xed));
    assert_eq!(answered(6, 0xee), (6, 0xee));
    assert_eq!(answered(7, 0xee), (5, 0xed));
    assert_eq!(answered(6, 0xed), (5, 0xed));
}

fn sent(kind: Kind) -> Sent {
    Sent {
        epoch: EPOCH.0,
        sequence: 10,
        sent_ns: NOW_NS - 1_000_000,
        kind: kind as u64,
    }
}

fn answer_to(sent: &Sent) -> Frame {
    Frame {
        epoch: sent.epoch,
        sequence: sent.sequence,
        sent_ns: sent.sent_ns,
        elector_version: 5,
        elector_digest: 0xed,
        sender: 3,
        ..Frame::default()
    }
}

/// What it is called, how answer and record differ from the usual, and the verdicts for a reply and a
/// refusal to a probe, and a reply to a query.
type Row = (&'static str, fn(&mut Frame, &mut Sent), [Verdict; 3]);

const ROWS: &[Row] = &[
    (
        "as usual",
        |_, _| {},
        [
            Verdict::ReplyCounted,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "another epoch",
        |frame, _| frame.epoch = NEWER.0,
        [Verdict::Stale; 3],
    ),
    (
        "another number",
        |frame, _| frame.sequence += 1,
        [Verdict::Stale; 3],
    ),
    (
        "another send time",
        |frame, _| frame.sent_ns += 1,
        [Verdict::Stale; 3],
    ),
    (
        "no question ever sent",
        |frame, sent| {
            *sent = Sent::default();
            *frame = Frame::default();
        },
        [Verdict::Stale; 3],
    ),
    (
        "just within the detect time",
        |frame, sent| {
            sent.sent_ns = NOW_NS - 50_000_000;
            frame.sent_ns = sent.sent_ns;
        },
        [
            Verdict::ReplyCounted,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "just after it",
        |frame, sent| {
            sent.sent_ns = NOW_NS - 50_000_001;
            frame.sent_ns = sent.sent_ns;
        },
        [Verdict::Stale; 3],
    ),
    (
        "without a grant",
        |frame, _| frame.flags = flag::NO_GRANT,
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "from other electors",
        |frame, _| frame.elector_version = 6,
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "a newer epoch probed",
        |frame, _| {
            frame.flags = flag::NO_GRANT | flag::PROBED;
            frame.probed_epoch = NEWER.0;
        },
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalProbed,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "a newer epoch probed, but not said so",
        |frame, _| {
            frame.flags = flag::NO_GRANT;
            frame.probed_epoch = NEWER.0;
        },
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "said probed, but not newer",
        |frame, _| {
            frame.flags = flag::NO_GRANT | flag::PROBED;
            frame.probed_epoch = EPOCH.0;
        },
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
    (
        "an implausible epoch probed",
        |frame, _| {
            frame.flags = flag::NO_GRANT | flag::PROBED;
            frame.probed_epoch = u64::MAX;
        },
        [
            Verdict::ReplyNoGrant,
            Verdict::RefusalPromised,
            Verdict::QueryReplyCounted,
        ],
    ),
];

#[test]
fn every_answer_counts_by_our_own_record_of_the_question() {
    let asked = [
        (Kind::Probe, Kind::Reply),
        (Kind::Probe, Kind::Refusal),
        (Kind::Query, Kind::Reply),
    ];
    for (what, change, expected) in ROWS {
        for ((question, kind), expected) in asked.into_iter().zip(expected) {
            let mut sent = sent(question);
            let mut frame = answer_to(&sent);
            change(&mut frame, &mut sent);
            let verdict = match_answer(&frame, kind, &sent, &config(), NOW_NS);
            assert_eq!(verdict, *expected, "{kind:?} to {question:?}: {what}");
        }
    }
}

#[test]
fn a_query_cannot_be_refused_and_questions_are_no_answers() {
    let verdict = |question, kind| {
        let sent = sent(question);
        match_answer(&answer_to(&sent), kind, &sent, &config(), NOW_NS)
    };
    assert_eq!(verdict(Kind::Query, Kind::Refusal), Verdict::Stale);
    for question in [Kind::Probe, Kind::Query] {
        assert_eq!(verdict(question, Kind::Probe), Verdict::Stale);
        assert_eq!(verdict(question, Kind::Query), Verdict::Stale);
    }
}

#[test]
fn an_answer_echoes_the_question_and_tells_everything_else_of_its_own_node() {
    let control = Control {
        lease_deadline_ns: NOW_NS + 1,
        lease_epoch: NEWER.0,
        promised_epoch: NEWER.0,
        beat_ns: NOW_NS - 7_000,
        role: role::MASTER.into(),
        diagnosis: 0x0102,
        flags: (flag::ELIGIBLE | flag::PROBED).into(),
        info_version: 9,
        ..Control::default()
    };
    let grant = Grant {
        end_ns: NOW_NS + 20_000_000,
        probed_epoch: EPOCH.0,
        successor: 4,
        ..Grant::default()
    };
    let question = Frame {
        epoch: EPOCH.0,
        sequence: 10,
        sent_ns: 77,
        stride: 3,
        offset: 1,
        flags: 0xff,
        sender: 1,
        cluster_id: 0xc1,
        ..Frame::default()
    };
    let mut answer = question;
    let config = config();
    let own = Own {
        config: &config,
        control: &control,
        grant: &grant,
        now_ns: NOW_NS,
    };
    write_answer(&mut answer, Kind::Reply, Verdict::Granted, &own);
    let expected = Frame {
        kind: Kind::Reply as u8,
        flags: flag::ELIGIBLE,
        elector_version: 5,
        elector_digest: 0xed,
        incarnation: 0x0123,
        sender: 2,
        successor: 4,
        role: role::MASTER,
        gate: gate_state::OPEN,
        diagnosis: 0x0102,
        lease_us: 20_000,
        daemon_age_us: 7,
        service_age_us: AGE_UNKNOWN,
        stride: 0,
        offset: 0,
        promised_epoch: NEWER.0,
        probed_epoch: EPOCH.0,
        config_digest: 0xcd,
        info_version: 9,
        ..question
    };
    assert_eq!(answer, expected);
}

#[test]
fn only_a_granted_probe_and_a_query_are_answered_without_the_mark_no_grant() {
    let config = config();
    let (control, grant) = (Control::default(), Grant::default());
    let own = Own {
        config: &config,
        control: &control,
        grant: &grant,
        now_ns: NOW_NS,
    };
    for verdict in Verdict::ALL.iter().copied() {
        let mut frame = Frame::default();
        write_answer(&mut frame, Kind::Reply, verdict, &own);
        assert_eq!(
            frame.flags & flag::NO_GRANT == 0,
            matches!(verdict, Verdict::Granted | Verdict::QueryAnswered),
            "{}",
            verdict.as_str()
        );
    }
}

#[test]
fn the_end_of_a_grant_is_the_later_one_of_those_whose_epoch_was_not_released() {
    let grant = Grant {
        end_ns: 100,
        probed_epoch: EPOCH.0,
        ..Grant::default()
    };
    let voted = |vote_grant_end_ns, released_epoch: Epoch| Control {
        vote_grant_end_ns,
        vote_epoch: NEWER.0,
        released_epoch: released_epoch.0,
        ..Control::default()
    };
    let end_ns = |control| grant_end_ns(&control, &grant);
    assert_eq!(end_ns(voted(50, Epoch::NONE)), 100);
    assert_eq!(end_ns(voted(150, Epoch::NONE)), 150);
    assert_eq!(end_ns(voted(150, NEWER)), 100, "the vote's was released");
    assert_eq!(end_ns(voted(50, EPOCH)), 50, "the probe's was released");
}

#[test]
fn what_is_left_of_a_grant_is_rounded_up() {
    let left_at_us = |now_ns, end_ns| {
        let grant = Grant {
            end_ns,
            probed_epoch: EPOCH.0,
            ..Grant::default()
        };
        grant_left_us(&Control::default(), &grant, now_ns)
    };
    let left_us = |end_ns| left_at_us(NOW_NS, end_ns);
    assert_eq!(left_us(NOW_NS - 1), 0);
    assert_eq!(left_us(NOW_NS), 0);
    assert_eq!(left_us(NOW_NS + 1), 1);
    assert_eq!(left_us(NOW_NS + 1_000), 1);
    assert_eq!(left_us(NOW_NS + 1_001), 2);
    assert_eq!(left_us(u64::MAX), AGE_UNKNOWN - 1);
    assert_eq!(left_at_us(1, u64::MAX), AGE_UNKNOWN - 1, "without overflow");
}

#[test]
fn ages_never_look_unknown() {
    assert_eq!(age_us(0), 0);
    assert_eq!(age_us(1_999), 1);
    for us in (1..=u64::from(u32::MAX) / 1_000 + 2).step_by(997) {
        let edges = (age_us(us * 1_000 - 1), age_us(us * 1_000));
        assert_eq!((u64::from(edges.0), u64::from(edges.1)), (us - 1, us));
    }
    assert_eq!(age_us(u64::MAX), AGE_UNKNOWN - 1);
}

/// Deadline and epoch of the lease, probed epoch, time of a duplicate, and whether the gate is open.
#[test]
fn the_gate_is_open_under_every_condition_together_and_none_less() {
    let max_ns = 200_000_000;
    let rows = [
        ("in force", NOW_NS + 1, EPOCH, EPOCH, 0, true),
        ("the longest", NOW_NS + max_ns, EPOCH, Epoch::NONE, 0, true),
        ("over", NOW_NS, EPOCH, EPOCH, 0, false),
        ("none", 0, EPOCH, EPOCH, 0, false),
        ("too long", NOW_NS + max_ns + 1, EPOCH, EPOCH, 0, false),
        ("a newer one probed", NOW_NS + 1, EPOCH, NEWER, 0, false),
        ("newer than the probed", NOW_NS + 1, NEWER, EPOCH, 0, true),
        ("duplicate now", NOW_NS + 1, EPOCH, EPOCH, NOW_NS, false),
        (
            "duplicate lately",
            NOW_NS + 1,
            EPOCH,
            EPOCH,
            NOW_NS - max_ns,
            false,
        ),
        (
            "duplicate long ago",
            NOW_NS + 1,
            EPOCH,
            EPOCH,
            NOW_NS - max_ns - 1,
            true,
        ),
    ];
    for (what, deadline_ns, epoch, probed, duplicate_ns, expected) in rows {
        let grant = Grant {
            probed_epoch: probed.0,
            duplicate_ns,
            ..Grant::default()
        };
        let open = gate_is_open(deadline_ns, epoch.0, &grant, max_ns, NOW_NS);
        assert_eq!(open, expected, "{what}");
    }
}

#[test]
fn a_slots_gate_goes_by_its_lease_and_a_taken_ones_by_the_mastership_that_took_it() {
    let (max_ns, slot_ns) = (200_000_000, 200_000_000 * u64::from(SLOT_LEASES));
    let rows = [
        ("in force", NOW_NS + 1, 0, true),
        ("the longest", NOW_NS + slot_ns, 0, true),
        ("over", NOW_NS, 0, false),
        ("none", 0, 0, false),
        ("too long", NOW_NS + slot_ns + 1, 0, false),
        ("duplicate lately", NOW_NS + 1, NOW_NS - max_ns, false),
        ("duplicate long ago", NOW_NS + 1, NOW_NS - max_ns - 1, true),
    ];
    for (what, lease_ns, duplicate_ns, expected) in rows {
        let grant = Grant {
            duplicate_ns,
            ..Grant::default()
        };
        let open = slot_lease_is_open(lease_ns, &grant, max_ns, NOW_NS);
        assert_eq!(open, expected, "{what}");
    }
    let (taken, other) = (EPOCH.0, NEWER.0);
    assert!(taken_gate_is_open(taken, taken, true));
    assert!(!taken_gate_is_open(taken, taken, false), "no lease");
    assert!(
        !taken_gate_is_open(taken, other, true),
        "another mastership"
    );
    assert!(!taken_gate_is_open(0, 0, true), "not taken over");
}

#[test]
fn every_bucket_begins_where_it_says_and_the_last_one_holds_the_longest() {
    for bucket in 2..BUCKETS {
        let begin_ns = lower_bound_ns(bucket);
        assert_eq!(bucket_of(begin_ns), bucket);
        // Bucket 1 stays empty: 0 and 1 ns have no half octave between them.
        let before = if bucket == 2 { 0 } else { bucket - 1 };
        assert_eq!(bucket_of(begin_ns - 1), before, "{bucket}");
    }
    assert_eq!(bucket_of(0), 0);
    assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
}
