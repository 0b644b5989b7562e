//! A step of the electors that another master began, or that is decided elsewhere, and who is told of the set in force.

use heartbeat_core::config::Member;
use heartbeat_core::electors::{Ballot, ElectorRecord};
use heartbeat_core::event::Reply;
use heartbeat_core::{Config, Instant, Slot};

use super::bench::*;
use super::change::*;
use super::electors::*;

/// The second ballot of slot 2.
const SECOND: Ballot = Ballot(131_074);

#[test]
fn while_a_step_is_open_no_other_change_is_ordered() {
    let refused = |lines: Vec<String>| lines[0].starts_with("refuse: a change of the electors is");
    let mut bench = asking();
    assert!(refused(order(&mut bench, set(0, &[1, 2]), ms(86))));
    let mut left = elected(agreed_in(OTHER, next()));
    assert!(refused(order(&mut left, set(0, &[1, 2]), ms(62))));
}

#[test]
fn who_agreed_in_an_earlier_ballot_did_not_agree_in_this_one() {
    let mut bench = proposing();
    for from in [1, 3, 4] {
        assert_eq!(
            tells_of(&mut bench, from, agreed_in(BALLOT, next()), ms(88)),
            NOTHING
        );
    }
    tells_of(&mut bench, 3, agreed_in(OWN, next()), ms(89));
    assert_eq!(
        tells_of(&mut bench, 4, agreed_in(OWN, next()), ms(89)),
        ["save electors 8[1, 2, 3, 4]"]
    );
}

#[test]
fn another_masters_ballot_makes_this_one_ask_anew_with_a_higher_one() {
    for mut bench in [asking(), proposing()] {
        // It hears of it,
        tells_of(&mut bench, 1, promised(OTHER), ms(88));
        let saving = bench.saving.map(|record| record.promised);
        assert_eq!(saving, Some(SECOND));
    }
    for (mut bench, next) in [(asking(), None), (proposing(), Some(set(8, &[1, 2])))] {
        // or promises it, or agrees to a set in it, itself.
        bench.message(1, tells(now(), OTHER, next), ms(88));
        bench.saved(ms(89));
        granted(&mut bench, &now(), &[1, 3, 4], ms(93));
        let saving = bench.saving.map(|record| record.promised);
        assert_eq!(saving, Some(SECOND), "{next:?}");
    }
}

#[test]
fn what_an_earlier_master_left_open_is_brought_to_its_end_once_the_lease_rests_on_the_set() {
    let mut bench = elected(agreed_in(OTHER, next()));
    let saves = |lines: &[String]| lines.iter().any(|line| line.starts_with("save "));
    assert!(
        !saves(&granted(&mut bench, &now(), &[], ms(63))),
        "not renewed"
    );
    assert!(
        bench.node.snapshot(ms(63)).electors.change.is_some(),
        "it waits"
    );
    let lines = granted(&mut bench, &now(), &[1, 3, 4], ms(73));
    let asks = "save electors 7[1, 2, 3], promised in ballot 2.2, next 8[1, 2, 3, 4] in ballot 1.3";
    assert!(lines.iter().any(|line| line == asks), "{lines:?}");
}

#[test]
fn a_set_that_is_in_force_elsewhere_needs_no_majority_and_a_proposed_one_decides_nothing() {
    let mut bench = steady(record(now()));
    assert_eq!(
        tells_of(&mut bench, 3, ElectorRecord::proposed(next()), ms(84)),
        ["electors 7[1, 2, 3] to 3"]
    );
    assert_eq!(
        tells_of(&mut bench, 3, record(next()), ms(84)),
        ["save electors 7[1, 2, 3], promised in ballot 1.2"]
    );
    assert_eq!(
        lines(&bench.saved(ms(85)))[1],
        "save electors 7[1, 2, 3], promised in ballot 1.2, next 8[1, 2, 3, 4] in ballot 1.2",
        "one answer decides it"
    );
}

#[test]
fn a_decision_for_another_set_than_the_proposed_one_ends_the_proposal() {
    let mut bench = proposing();
    let lines = tells_of(&mut bench, 1, record(set(8, &[1, 2])), ms(88));
    assert_eq!(
        lines,
        ["save electors 7[1, 2, 3], promised in ballot 2.2, next 8[1, 2, 3, 4] in ballot 1.2"]
    );
    lines_of_saved(&mut bench, ms(89), "next 8[1, 2] in ballot 2.2");
    let mut same = proposing();
    assert_eq!(tells_of(&mut same, 1, record(next()), ms(88)), NOTHING);
    assert_eq!(
        tells_of(&mut same, 4, agreed_in(OWN, next()), ms(89)),
        ["save electors 8[1, 2, 3, 4]"],
        "who goes by it agreed to it"
    );
}

fn lines_of_saved(bench: &mut Bench, at: Instant, ends: &str) {
    let lines = lines(&bench.saved(at));
    assert!(lines.iter().any(|line| line.ends_with(ends)), "{lines:?}");
}

#[test]
fn a_master_that_is_no_elector_any_more_hands_over() {
    let mut bench = steady(record(now()));
    tells_of(&mut bench, 3, record(set(8, &[1, 3])), ms(84));
    bench.saved(ms(85));
    bench.saved(ms(86));
    for from in [1, 3] {
        tells_of(&mut bench, from, agreed_in(OWN, set(8, &[1, 3])), ms(87));
    }
    let lines = lines(&bench.saved(ms(88)));
    assert!(
        lines.iter().any(|line| line == "shut the gate"),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("master -> slave")),
        "{lines:?}"
    );
}

#[test]
fn a_first_set_is_confirmed_once_a_majority_granted_by_it() {
    let mut bench = elected(ElectorRecord::proposed(now()));
    let saves = |lines: &[String]| lines.iter().any(|line| line == "save electors 7[1, 2, 3]");
    assert!(!saves(&granted(&mut bench, &now(), &[], ms(63))));
    assert!(saves(&granted(&mut bench, &now(), &[1, 3], ms(73))));
    assert!(
        !saves(&granted(&mut bench, &now(), &[1, 3], ms(83))),
        "on its way"
    );
}

#[test]
fn members_that_go_by_another_set_are_told_sixteen_a_turn_and_all_once_a_second() {
    let member = |slot| {
        (
            slot,
            Member {
                elector: slot <= 3,
                witness: slot == 3,
                business: false,
            },
        )
    };
    let many = Config {
        members: (1..=40).map(member).collect(),
        ..config(2)
    };
    let mut bench = elected_in(slave_by(many, record(now())), record(now()));
    let mut told = Vec::new();
    let mut at = ms(63);
    while at < ms(2_200) {
        let (current, old) = (now(), set(6, &[1, 2]));
        let grants = [1, 3].map(|slot| reply(&bench, &current, slot, at));
        let members = (4..=23).map(|slot| reply(&bench, &old, slot, at));
        let replies: Vec<Reply> = grants.into_iter().chain(members).collect();
        for line in lines(&bench.turn(&replies, at)) {
            if let Some(slot) = line.strip_prefix("electors 7[1, 2, 3] to ") {
                told.push((at, slot.parse::<Slot>().expect("a slot")));
            }
        }
        at = at + TIMING.period;
    }
    let tour = |begin: u64| {
        let at = move |slot: Slot| if slot < 20 { ms(begin) } else { ms(begin + 10) };
        (4..=23).map(move |slot| (at(slot), slot))
    };
    // A tour counts from the end of the one before.
    let expected: Vec<(Instant, Slot)> = tour(63).chain(tour(1_073)).chain(tour(2_083)).collect();
    assert_eq!(told, expected);
}
