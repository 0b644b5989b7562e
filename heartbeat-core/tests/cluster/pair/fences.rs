//! Pairs whose rules ask for a fence command, or for no reference.

use std::time::Duration;

use heartbeat_core::config::FenceRule;
use heartbeat_core::snapshot::Alarm;

use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, World};

use super::*;

fn fenced(references: u8) -> PairRules {
    PairRules {
        references,
        fence: Some(FenceRule {
            delay: Duration::from_millis(100),
        }),
        ..PairRules::DEFAULT
    }
}

#[test]
fn a_slave_takes_over_once_its_fence_command_has_succeeded() {
    let mut world = settled_by(fenced(1), 120);
    world.power_off(1);
    let took = until_served_by(&mut world, 2);
    // The evidence, twice the delay, the command, and the next answer of the reference.
    assert!((1_080 * MS..1_120 * MS).contains(&took), "{took}");
    assert_eq!(
        (world.fences, world.machine(2).guarantee),
        (1, Guarantee::Fenced)
    );
}

#[test]
fn two_that_are_parted_never_serve_at_one_time_with_a_fence_command() {
    for references in [0, 1] {
        let mut world = settled_by(fenced(references), 121);
        world.part(true);
        world.run(3_000 * MS);
        assert!(!world.machine(1).is_on, "slot 2 stopped it");
        assert_eq!((world.master(), world.watch.excepted_beside), (Some(2), 0));
        // What was stopped comes up and finds nobody: it stops nobody in turn.
        world.start(1, Maps::Lost);
        world.run(3_000 * MS);
        assert!(world.machine(2).is_on);
        assert_eq!((world.master(), world.fences), (Some(2), 1));
        world.part(false);
        world.run(1_000 * MS);
        assert_eq!((world.master(), demotions(&world, 2)), (Some(2), 0));
    }
}

#[test]
fn a_fence_command_that_fails_leaves_the_place_empty_and_says_so() {
    let mut world = settled_by(fenced(1), 122);
    world.fence_fails = true;
    world.power_off(1);
    world.run(5_000 * MS);
    assert_eq!(world.master(), None);
    assert!(world.fences >= 2, "it is run again");
    assert!(world.snapshot(2).alarms.contains(&Alarm::FenceFailed));
    world.fence_fails = false;
    until_served_by(&mut world, 2);
    assert!(!world.snapshot(2).alarms.contains(&Alarm::FenceFailed));
}

#[test]
fn a_peer_that_is_heard_again_before_the_command_is_run_is_not_stopped() {
    let mut world = settled_by(fenced(1), 123);
    world.part(true);
    world.run(150 * MS);
    world.part(false);
    world.run(2_000 * MS);
    assert_eq!(world.fences, 0);
    assert!(world.machine(1).is_on && world.master().is_some());
}

#[test]
fn without_a_reference_silence_alone_is_enough_and_parts_make_two_masters() {
    let rules = PairRules {
        references: 0,
        ..PairRules::DEFAULT
    };
    let mut world = settled_by(rules, 124);
    world.lose_reference(1, true);
    world.lose_reference(2, true);
    world.power_off(2);
    world.run(500 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    let mut world = settled_by(rules, 125);
    world.part(true);
    world.run(500 * MS);
    assert!(world.watch.excepted_beside > 0);
}

#[test]
fn where_business_silence_is_not_asked_for_its_words_keep_nobody_from_the_evidence() {
    let rules = PairRules {
        business_silent: false,
        ..PairRules::DEFAULT
    };
    let mut world = settled_by(rules, 126);
    world.power_off(1);
    assert!(until_served_by(&mut world, 2) < TAKEN_OVER);
}

#[test]
fn a_majority_of_several_references_counts() {
    let rules = PairRules {
        references: 3,
        ..PairRules::DEFAULT
    };
    let mut world = World::pair(rules, 127);
    world.references = 3;
    world.start_all();
    world.run(600 * MS);
    world.lost_references.insert((2, 0));
    world.power_off(1);
    assert!(until_served_by(&mut world, 2) < TAKEN_OVER);
    world.lost_references.insert((2, 1));
    world.run(200 * MS);
    assert_eq!(world.master(), None, "one of three is no majority");
}
