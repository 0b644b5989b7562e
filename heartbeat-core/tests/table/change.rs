//! The master that changes the electors: each step, what holds it up, and what another master began.

use std::time::Duration;

use heartbeat_core::config::Timing;
use heartbeat_core::electors::{Accepted, Ballot, ElectorRecord, ElectorSet};
use heartbeat_core::event::{Order, QueryAnswer, Reply};
use heartbeat_core::message::{Message, VoteAnswer};
use heartbeat_core::{Config, Epoch, Event, Instant, Slot};

use super::bench::*;
use super::electors::*;

/// The first ballot of slot 2, which is master here, and of slot 3.
pub(super) const OWN: Ballot = Ballot(65_538);
pub(super) const OTHER: Ballot = Ballot(65_539);
/// A step that takes longer is an alarm.
const OVERDUE: Duration = Duration::from_secs(5);
/// Between two askings of those who did not answer.
const RESEND: Duration = Duration::from_millis(50);

pub(super) fn now() -> ElectorSet {
    set(7, &[1, 2, 3])
}

pub(super) fn next() -> ElectorSet {
    set(8, &[1, 2, 3, 4])
}

pub(super) fn promised(ballot: Ballot) -> ElectorRecord {
    ElectorRecord {
        promised: ballot,
        ..record(now())
    }
}

pub(super) fn agreed_in(ballot: Ballot, next: ElectorSet) -> ElectorRecord {
    ElectorRecord {
        accepted: Some(Accepted { ballot, set: next }),
        ..promised(ballot)
    }
}

/// Slot 2, master by the set on its disk, at 62 ms.
pub(super) fn elected(on_disk: ElectorRecord) -> Bench {
    elected_in(slave(on_disk), on_disk)
}

pub(super) fn elected_in(mut bench: Bench, on_disk: ElectorRecord) -> Bench {
    let stands_at = bench.node.poll_timeout().expect("the grant ends");
    bench.timeout(stands_at);
    let later = |ms| stands_at + Duration::from_millis(ms);
    let answer = QueryAnswer {
        from: 3,
        sequence: bench.asked.0,
        arrival: later(1),
        incarnation: life(3),
        elector_version: on_disk.in_force.version,
        elector_digest: on_disk.in_force.digest(),
        ..QueryAnswer::default()
    };
    bench.handle(Event::QueryAnswer(answer), later(1));
    bench.vote(3, VoteAnswer::Granted, later(2));
    bench
}

/// Slot `from`, which goes by that set, granted to the newest probe a millisecond before `at`.
pub(super) fn reply(bench: &Bench, by: &ElectorSet, from: Slot, at: Instant) -> Reply {
    Reply {
        elector_version: by.version,
        elector_digest: by.digest(),
        ..bench.reply(from, at - Duration::from_millis(1))
    }
}

/// A turn before which these granted to the newest probe, a millisecond ago, and go by `by`.
pub(super) fn granted(
    bench: &mut Bench,
    by: &ElectorSet,
    from: &[Slot],
    at: Instant,
) -> Vec<String> {
    let replies: Vec<Reply> = from
        .iter()
        .map(|slot| reply(bench, by, *slot, at))
        .collect();
    lines(&bench.turn(&replies, at))
}

/// The same when a majority granted by that set and everybody is well, at 83 ms.
pub(super) fn steady(on_disk: ElectorRecord) -> Bench {
    let mut bench = elected(on_disk);
    for at in [63, 73, 83] {
        granted(&mut bench, &on_disk.in_force, &[1, 3, 4], ms(at));
    }
    bench
}

pub(super) fn order(bench: &mut Bench, target: ElectorSet, at: Instant) -> Vec<String> {
    lines(&bench.handle(Event::Order(Order::Electors(target)), at))
}

/// A change to [`next`] was ordered, and its ballot is on this node's disk, at 85 ms.
pub(super) fn asking() -> Bench {
    let mut bench = steady(record(now()));
    order(&mut bench, next(), ms(84));
    bench.saved(ms(85));
    bench
}

/// A majority promised the ballot, and this node agreed to the next set, at 87 ms.
pub(super) fn proposing() -> Bench {
    let mut bench = asking();
    tells_of(&mut bench, 3, promised(OWN), ms(86));
    bench.saved(ms(87));
    bench
}

pub(super) fn tells_of(
    bench: &mut Bench,
    from: Slot,
    record: ElectorRecord,
    at: Instant,
) -> Vec<String> {
    lines(&bench.message(from, Message::ElectorsState(record), at))
}

/// To whom it sends what it asks for.
pub(super) fn asked(lines: &[String]) -> Vec<&str> {
    let asks = lines.iter().filter(|line| line.starts_with("electors 7"));
    asks.filter_map(|line| line.rsplit(' ').next()).collect()
}

#[test]
fn a_change_is_promised_agreed_to_and_in_force_and_each_of_it_is_on_disk_before_it_is_told() {
    let mut bench = steady(record(now()));
    let ordered = order(&mut bench, next(), ms(84));
    assert_eq!(
        ordered[0],
        "save electors 7[1, 2, 3], promised in ballot 1.2"
    );
    assert_eq!(
        lines(&bench.saved(ms(85)))[1..],
        [
            "electors 7[1, 2, 3] in ballot 1.2 to 1",
            "electors 7[1, 2, 3] in ballot 1.2 to 3"
        ]
    );
    assert_eq!(
        tells_of(&mut bench, 3, promised(OWN), ms(86)),
        ["save electors 7[1, 2, 3], promised in ballot 1.2, next 8[1, 2, 3, 4] in ballot 1.2"]
    );
    assert_eq!(
        lines(&bench.saved(ms(87)))[1..],
        [
            "electors 7[1, 2, 3] in ballot 1.2, then 8[1, 2, 3, 4] to 1",
            "electors 7[1, 2, 3] in ballot 1.2, then 8[1, 2, 3, 4] to 3",
            "electors 7[1, 2, 3] in ballot 1.2, then 8[1, 2, 3, 4] to 4"
        ]
    );
    let agreed = agreed_in(OWN, next());
    assert_eq!(
        tells_of(&mut bench, 3, agreed, ms(88)),
        NOTHING,
        "two of the four"
    );
    assert_eq!(
        tells_of(&mut bench, 4, agreed, ms(89)),
        ["save electors 8[1, 2, 3, 4]"]
    );
    assert_eq!(
        lines(&bench.saved(ms(90))),
        [
            "go by electors 8[1, 2, 3, 4]",
            "electors 8[1, 2, 3, 4] to 1",
            "electors 8[1, 2, 3, 4] to 3",
            "electors 8[1, 2, 3, 4] to 4"
        ]
    );
}

#[test]
fn a_lease_in_force_is_the_shortest_that_electors_may_be_given() {
    let lease = |max_lease| ElectorSet { max_lease, ..now() };
    let mut bench = steady(record(now()));
    let shorter = lease(TIMING.lease() - Duration::from_nanos(1));
    assert!(order(&mut bench, shorter, ms(84))[0].starts_with("refuse: "));
    let ordered = order(&mut bench, lease(TIMING.lease()), ms(84));
    assert!(ordered[0].starts_with("save electors 7"), "{ordered:?}");
}

#[test]
fn a_change_names_those_who_keep_it_from_being_begun() {
    let mut bench = elected(record(now()));
    granted(&mut bench, &now(), &[4], ms(63));
    let refused = order(&mut bench, next(), ms(64));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].starts_with("refuse: "), "{refused:?}");
    assert!(
        refused[0].contains("1, 3") && !refused[0].contains('4'),
        "{refused:?}"
    );
}

#[test]
fn who_is_to_be_added_must_be_well_and_of_the_others_a_majority() {
    let order_when = |well: &[Slot]| {
        let mut bench = elected(record(now()));
        granted(&mut bench, &now(), well, ms(63));
        order(&mut bench, next(), ms(64))[0].clone()
    };
    let refused = order_when(&[1, 3]);
    assert!(
        refused.starts_with("refuse: ") && refused.contains('4'),
        "{refused}"
    );
    assert!(!refused.contains('1'), "{refused}");
    let begun = order_when(&[3, 4]);
    assert!(begun.starts_with("save electors 7"), "{begun}");
}

#[test]
fn no_set_is_entered_while_a_higher_round_is_asked_for() {
    let mut bench = proposing();
    let id = bench.poll;
    bench.message(3, Message::PollAnswer { id, votes: true }, ms(88));
    bench.refusal(1, Epoch::new(9, 1), Epoch::new(4, 1), ms(88));
    assert_eq!(bench.request.0, Epoch::new(10, 2), "it asks");
    for from in [3, 4] {
        assert_eq!(
            tells_of(&mut bench, from, agreed_in(OWN, next()), ms(89)),
            NOTHING
        );
    }
    bench.vote(3, VoteAnswer::Granted, ms(90));
    let lines = granted(&mut bench, &now(), &[1, 3, 4], ms(93));
    assert!(
        lines
            .iter()
            .any(|line| line == "save electors 8[1, 2, 3, 4]"),
        "{lines:?}"
    );
}

#[test]
fn who_promised_and_has_yet_to_agree_holds_nothing_up() {
    let mut bench = proposing();
    assert_eq!(tells_of(&mut bench, 1, promised(OWN), ms(88)), NOTHING);
    tells_of(&mut bench, 3, agreed_in(OWN, next()), ms(89));
    assert_eq!(
        tells_of(&mut bench, 4, agreed_in(OWN, next()), ms(89)),
        ["save electors 8[1, 2, 3, 4]"]
    );
}

#[test]
fn with_long_periods_two_of_them_pass_before_anybody_is_asked_again() {
    let period = Duration::from_millis(30);
    let slow = Config {
        timing: Timing { period, ..TIMING },
        ..config(2)
    };
    let mut bench = elected_in(slave_by(slow, record(now())), record(now()));
    for at in [163, 193, 223] {
        granted(&mut bench, &now(), &[1, 3, 4], ms(at));
    }
    order(&mut bench, next(), ms(224));
    bench.saved(ms(225));
    granted(&mut bench, &now(), &[1, 3, 4], ms(253));
    let again = ms(225) + period * 2;
    let lines = granted(&mut bench, &now(), &[1, 3, 4], Instant(again.0 - 1));
    assert_eq!(asked(&lines), NOTHING);
    let lines = granted(&mut bench, &now(), &[1, 3, 4], again);
    assert_eq!(asked(&lines), ["1", "3"], "{lines:?}");
}

#[test]
fn who_did_not_answer_is_asked_again_after_two_periods_or_fifty_milliseconds() {
    let mut bench = asking();
    let again = ms(85) + RESEND;
    for at in [
        ms(93),
        ms(103),
        ms(113),
        ms(123),
        ms(133),
        Instant(again.0 - 1),
    ] {
        let lines = granted(&mut bench, &now(), &[1, 3, 4], at);
        assert_eq!(asked(&lines), NOTHING, "{}", at.0);
    }
    let lines = granted(&mut bench, &now(), &[1, 3, 4], again);
    assert_eq!(asked(&lines), ["1", "3"]);
    let lines = granted(
        &mut bench,
        &now(),
        &[1, 3, 4],
        again + Duration::from_millis(1),
    );
    assert_eq!(asked(&lines), NOTHING, "counted anew");
    let mut bench = proposing();
    tells_of(&mut bench, 4, agreed_in(OWN, next()), ms(88));
    let mut at = ms(93);
    while at < ms(87) + RESEND {
        granted(&mut bench, &now(), &[1, 3, 4], at);
        at = at + TIMING.period;
    }
    let lines = granted(&mut bench, &now(), &[1, 3, 4], at);
    assert_eq!(asked(&lines), ["1", "3"], "not slot 4, which agreed");
}

#[test]
fn a_step_that_takes_more_than_five_seconds_is_an_alarm_until_it_is_over() {
    let mut bench = asking();
    let mut at = ms(93);
    let alarm = |lines: &[String], on: &str| lines.contains(&format!("alarm ElectorsChange {on}"));
    while at < ms(84) + OVERDUE {
        let lines = granted(&mut bench, &now(), &[1, 3, 4], at);
        assert!(!alarm(&lines, "on"), "{}", at.0);
        at = at + TIMING.period;
    }
    let just = granted(&mut bench, &now(), &[1, 3, 4], ms(84) + OVERDUE);
    assert!(!alarm(&just, "on"));
    let later = ms(84) + OVERDUE + Duration::from_nanos(1);
    assert!(alarm(&granted(&mut bench, &now(), &[1, 3, 4], later), "on"));
    tells_of(&mut bench, 3, promised(OWN), later);
    bench.saved(later);
    for from in [3, 4] {
        tells_of(&mut bench, from, agreed_in(OWN, next()), later);
    }
    assert!(alarm(&lines(&bench.saved(later)), "off"));
}
