use std::collections::BTreeSet;
use std::time::Duration;

use heartbeat_wire::frame::flag;

use super::diagnosis::of_reply;
use super::*;
use crate::Epoch;
use crate::config::{Handovers, Member, Mode, Timing};
use crate::event::{Heard, Reply};

const TIMING: Timing = Timing {
    period: Duration::from_millis(10),
    multiplier: 5,
    max_lease: Duration::from_millis(200),
    restart_lease: Duration::from_millis(200),
};

/// Electors that may become master.
const HEIRS: [Slot; 8] = [1, 2, 4, 5, 6, 7, 8, 9];

/// Slot 1, master of `members` nodes of which the lowest nine are electors.
fn config(members: u16) -> Config {
    let member = |slot| {
        (
            slot,
            Member {
                elector: slot <= 9,
                witness: slot == 3,
                business: slot != 4,
            },
        )
    };
    Config {
        slot: 1,
        members: (1..=members).map(member).collect(),
        elector_version: 7,
        elector_digest: 77,
        config_digest: 99,
        timing: TIMING,
        preempt_after: None,
        handovers: Handovers::DEFAULT,
        mode: Mode::Quorum,
        takeover: BTreeSet::new(),
    }
}

/// An answer to this probe over the management network, whose numbers are even.
fn reply(slot: Slot, probe: u64) -> Reply {
    Reply {
        slot,
        sequence: 2 * probe,
        granted_sequence: 2 * probe,
        daemon_age: Some(Duration::ZERO),
        flags: flag::ELIGIBLE,
        elector_version: 7,
        elector_digest: 77,
        config_digest: 99,
        ..Reply::default()
    }
}

/// A detector whose master has sent its first probe, number 2.
fn probing(config: &Config) -> Detector {
    let mut detector = Detector::new(config);
    detector.probed(&question(config));
    detector
}

fn turn(detector: &mut Detector, config: &Config, replies: &[Reply], late_ms: u64) {
    detector.note(replies);
    detector.judge(Duration::from_millis(late_ms), config);
}

fn answering(detector: &Detector, slot: Slot) -> Answering {
    detector.member(slot).expect("a member").answering()
}

#[test]
fn who_answers_nothing_for_the_detect_time_is_missing() {
    let config = config(4);
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(2, 1)], 0);
    for _ in 0..4 {
        turn(&mut detector, &config, &[reply(2, 1)], 0);
    }
    assert_eq!(answering(&detector, 2), Answering::Healthy);
    turn(&mut detector, &config, &[reply(2, 1)], 0);
    assert_eq!(answering(&detector, 2), Answering::Missing);
}

#[test]
fn periods_that_began_or_ended_late_count_against_nobody() {
    let config = config(4);
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(2, 1)], 0);
    for _ in 0..20 {
        turn(&mut detector, &config, &[], 6);
        turn(&mut detector, &config, &[], 0);
    }
    assert_eq!(answering(&detector, 2), Answering::Healthy);
    for _ in 0..5 {
        turn(&mut detector, &config, &[], 5);
    }
    assert_eq!(
        answering(&detector, 2),
        Answering::Missing,
        "half a period is not late"
    );
}

#[test]
fn answers_to_an_earlier_masterships_probes_say_nothing() {
    let config = config(4);
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(2, 1)], 0);
    detector.forget();
    turn(&mut detector, &config, &[reply(2, 2)], 0);
    assert_eq!(
        answering(&detector, 2),
        Answering::Unknown,
        "no probe was sent in this one"
    );
    let later = Question {
        sequence: 18,
        ..question(&config)
    };
    detector.probed(&later);
    turn(&mut detector, &config, &[reply(2, 8)], 0);
    assert_eq!(answering(&detector, 2), Answering::Unknown);
    turn(&mut detector, &config, &[reply(2, 9)], 0);
    assert_eq!(answering(&detector, 2), Answering::Healthy);
}

fn question(config: &Config) -> Question {
    Question {
        epoch: Epoch::new(1, 1),
        sequence: 2,
        sent: Instant::ZERO,
        lease: config.timing.lease(),
        successor: 0,
        stride: 1,
        offset: 0,
    }
}

#[test]
fn the_successor_is_the_lowest_slot_that_is_well_and_says_that_it_may() {
    type Change = fn(&mut Reply);
    let cases: &[(&str, Change)] = &[
        ("in maintenance", |reply| reply.flags = 0),
        ("abstaining", |reply| reply.flags |= flag::NO_GRANT),
        ("without a daemon that beats", |reply| {
            reply.daemon_age = Some(Duration::from_millis(101));
        }),
        ("without a daemon ever", |reply| reply.daemon_age = None),
        ("configured otherwise", |reply| reply.config_digest = 98),
        ("with another electors' version", |reply| {
            reply.elector_version = 6;
        }),
        ("with other electors", |reply| reply.elector_digest = 76),
        ("twice there", |reply| reply.clash_at = Instant(1)),
    ];
    let config = config(12);
    let now = Instant(100_000_000);
    for (name, change) in cases {
        let mut detector = probing(&config);
        let mut second = reply(2, 1);
        change(&mut second);
        turn(
            &mut detector,
            &config,
            &[second, reply(3, 1), reply(4, 1), reply(11, 1)],
            0,
        );
        assert_eq!(
            detector.successor(&HEIRS, &config, now),
            Some(4),
            "slot 2 {name}, slot 3 a witness"
        );
    }
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(3, 1), reply(11, 1)], 0);
    assert_eq!(
        detector.successor(&HEIRS, &config, now),
        None,
        "a witness, and a member that is no elector"
    );
    turn(&mut detector, &config, &[reply(2, 2), reply(4, 2)], 0);
    assert_eq!(detector.successor(&HEIRS, &config, now), Some(2));
}

#[test]
fn no_probe_is_answered_by_more_than_a_few_however_large_the_cluster() {
    let mut sparse = config(1_000);
    // Slots that many a stride leads to the same offset.
    sparse
        .members
        .retain(|slot, member| member.elector || slot.is_multiple_of(30));
    let dense = [3, 9, 10, 25, 100, 1_000, 10_000].map(config);
    for config in dense.into_iter().chain([sparse]) {
        let members = config.members.len();
        let stride = stride_for(&config);
        for offset in 0..stride {
            let others = config
                .members
                .iter()
                .filter(|(slot, member)| !member.elector && **slot % stride == offset);
            assert!(
                others.count() <= 5_000,
                "{members} members, stride {stride}, offset {offset}"
            );
        }
    }
    for (members, stride) in [(9, 1), (1_033, 1), (1_034, 2), (10_000, 2)] {
        assert_eq!(stride_for(&config(members)), stride, "{members} members");
    }
    let mut patient = config(10_000);
    patient.timing.multiplier = 20;
    assert_eq!(
        stride_for(&patient),
        10,
        "who may be missed later is asked less often"
    );
}

#[test]
fn a_member_that_is_asked_in_turn_is_missed_when_one_that_is_asked_in_every_period_is() {
    let config = config(2_000);
    let mut detector = probing(&config);
    let stride = u64::from(detector.stride());
    assert_eq!(stride, 2);
    let answers = |round: u64| {
        [2, 50].map(|slot| Heard {
            slot,
            sequence: 2 * round,
        })
    };
    detector.note(&[reply(2, 1), reply(50, 1)]);
    for round in 1..10 {
        detector.heard(&answers(round));
        for _ in 0..stride {
            turn(&mut detector, &config, &[], 0);
        }
        assert_eq!(answering(&detector, 50), Answering::Healthy);
    }
    // The second one of its last turn's periods was missed already.
    for _ in 0..3 {
        turn(&mut detector, &config, &[], 0);
    }
    assert_eq!(answering(&detector, 2), Answering::Healthy);
    assert_eq!(answering(&detector, 50), Answering::Healthy);
    turn(&mut detector, &config, &[], 0);
    assert_eq!(answering(&detector, 2), Answering::Missing);
    assert_eq!(answering(&detector, 50), Answering::Missing);
}

#[test]
fn of_members_that_simply_answer_nothing_is_reviewed_and_of_others_only_they_are() {
    let config = config(2_000);
    let mut detector = probing(&config);
    let members: Vec<Slot> = (2..=2_000).collect();
    let replies: Vec<Reply> = members.iter().map(|slot| reply(*slot, 1)).collect();
    turn(&mut detector, &config, &replies, 0);
    assert_eq!(detector.to_review().len(), members.len());
    for round in 2_u64..10 {
        let others = members.iter().filter(|slot| **slot != 77);
        let answers: Vec<Heard> = others
            .map(|slot| Heard {
                slot: *slot,
                sequence: 2 * round,
            })
            .collect();
        detector.heard(&answers);
        turn(&mut detector, &config, &[], 0);
        let reviewed = detector.to_review().iter();
        let slots: Vec<Slot> = reviewed
            .map(|place| detector.members()[*place].slot)
            .collect();
        let expected = if round < 6 { vec![] } else { vec![77] };
        assert_eq!(slots, expected, "round {round}");
    }
    assert_eq!(answering(&detector, 77), Answering::Missing);
    assert!(
        members
            .iter()
            .all(|slot| *slot == 77 || answering(&detector, *slot) == Answering::Healthy)
    );
}

#[test]
fn what_a_member_says_is_judged_when_it_is_read_and_not_when_it_merely_answered() {
    let config = config(2_000);
    let mut detector = probing(&config);
    let stalled = Reply {
        daemon_age: None,
        ..reply(50, 3)
    };
    turn(&mut detector, &config, &[reply(50, 1)], 0);
    for round in 2_u64..4 {
        detector.heard(&[Heard {
            slot: 50,
            sequence: 2 * round,
        }]);
        turn(&mut detector, &config, &[], 0);
    }
    let diagnosis = |detector: &Detector| detector.member(50).expect("a member").diagnosis();
    assert_eq!(diagnosis(&detector), Diagnosis::Healthy);
    turn(&mut detector, &config, &[stalled], 0);
    let again = Reply {
        sequence: 8,
        ..stalled
    };
    turn(&mut detector, &config, &[again], 0);
    assert_eq!(diagnosis(&detector), Diagnosis::DaemonStalled);
}

#[test]
fn who_answers_by_the_business_network_only_is_missing_and_reached() {
    let config = config(3);
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(2, 1), reply(3, 1)], 0);
    for probe in 2..8 {
        let by_business = Reply {
            sequence: 2 * probe + 1,
            arrival: Instant(probe),
            ..reply(2, probe)
        };
        detector.note(&[reply(3, probe)]);
        turn(&mut detector, &config, &[by_business, reply(3, probe)], 0);
    }
    assert_eq!(answering(&detector, 2), Answering::Missing);
    assert_eq!(answering(&detector, 3), Answering::Healthy);
    let reached_at = detector.member(2).map(|member| member.reached_at);
    assert_eq!(reached_at, Some(Instant(7)));
}

#[test]
fn an_answer_by_the_business_network_hides_none_that_came_by_the_management_network_before() {
    let config = config(3);
    let mut detector = probing(&config);
    for probe in 1..12 {
        detector.note(&[reply(2, probe)]);
        let by_business = Reply {
            sequence: 2 * probe + 1,
            ..reply(2, probe)
        };
        turn(&mut detector, &config, &[by_business], 0);
    }
    assert_eq!(answering(&detector, 2), Answering::Healthy);
}

#[test]
fn a_new_mastership_judges_anew_and_knows_what_was_answered_before() {
    let config = config(3);
    let mut detector = probing(&config);
    turn(&mut detector, &config, &[reply(2, 1), reply(3, 1)], 0);
    detector.reached(2, Instant(5));
    detector.forget();
    assert_eq!(answering(&detector, 2), Answering::Unknown);
    let member = detector.member(2).expect("a member");
    assert_eq!(member.reply.map(|reply| reply.sequence), Some(2));
    assert_eq!(member.reached_at, Instant(5));
}

#[test]
fn of_many_that_are_missing_so_many_are_asked_in_a_turn_and_then_the_others() {
    let config = config(40);
    let mut detector = probing(&config);
    for probe in 0..200 {
        turn(&mut detector, &config, &[reply(2, probe + 1)], 0);
    }
    let mut asks = |at: u64| {
        let mut asked = Vec::new();
        detector.inquire(&config, Instant(at), 16, |slot| asked.push(slot));
        asked
    };
    let now = 1_000_000_000;
    assert_eq!(asks(now), (3..=18).collect::<Vec<Slot>>());
    assert_eq!(asks(now), (19..=34).collect::<Vec<Slot>>());
    assert_eq!(asks(now), (35..=40).collect::<Vec<Slot>>());
    assert_eq!(asks(now), Vec::<Slot>::new());
}

#[test]
fn a_target_must_be_a_member_that_is_well_and_says_that_it_may() {
    let config = config(4);
    let mut detector = probing(&config);
    let not_eligible = Reply {
        flags: 0,
        ..reply(2, 1)
    };
    turn(&mut detector, &config, &[not_eligible, reply(4, 1)], 0);
    let check = |slot| detector.check_target(slot, &config, Instant(1));
    assert_eq!(check(2), Err(OrderError::NotEligible(2)));
    assert_eq!(check(3), Err(OrderError::Unwell(3, Diagnosis::Unknown)));
    assert_eq!(check(4), Ok(4));
    assert_eq!(check(9), Err(OrderError::NotAMember(9)));
}

#[test]
fn a_daemon_stalls_after_ten_periods_and_at_least_a_tenth_of_a_second_and_services_after_their_limit()
 {
    let diagnosis = |period_ms: u64, daemon_age: Duration, service_age: Duration| {
        let timing = Timing {
            period: Duration::from_millis(period_ms),
            ..TIMING
        };
        let config = Config {
            timing,
            ..config(3)
        };
        let reply = Reply {
            daemon_age: Some(daemon_age),
            service_age: Some(service_age),
            ..reply(2, 1)
        };
        of_reply(&reply, &config, Some(Duration::from_secs(3)))
    };
    let (ns, limit) = (Duration::from_nanos(1), Duration::from_secs(3));
    for (period, stall) in [(1, 100), (10, 100), (30, 300)] {
        let stall = Duration::from_millis(stall);
        assert_eq!(diagnosis(period, stall, limit), Diagnosis::Healthy);
        assert_eq!(
            diagnosis(period, stall + ns, limit),
            Diagnosis::DaemonStalled
        );
        assert_eq!(
            diagnosis(period, stall, limit + ns),
            Diagnosis::ServiceFault
        );
    }
}
