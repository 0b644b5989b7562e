//! Schedules that lose something if one line is taken out; which line, tests/mutants.toml tells.

use heartbeat_core::Epoch;
use heartbeat_store::{Part, Stage};
use heartbeat_store_proof::World;

use super::{ALL, keys, part, served_by_1, stage};

/// A write of round 2 that only node 1 has, and one of round 3 that only node 2 has.
fn two_lonely_writes() -> World {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.among(&[1]).unwrap();
    world.lose();
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(stage(&world, 2), Stage::Serving);
    world.write(2).unwrap();
    world.among(&[2]).unwrap();
    world.crash(2);
    world.lose();
    assert_eq!(world.acknowledged(), 0);
    world
}

#[test]
fn an_entry_of_an_older_epoch_that_a_newer_master_spreads_is_not_acknowledged_and_then_lost() {
    let mut world = two_lonely_writes();
    world.crash(1);
    world.start(1);
    // Nodes 1 and 3 go on: what node 1 wrote in round 2 lies below what node 3 took over in round 3.
    world.lead(1, Epoch::new(4, 1)).unwrap();
    world.among(&[1, 3]).unwrap();
    assert_eq!(keys(&world, 1), 0);
    assert_eq!(world.seen.gave_way, 1, "what only node 1 had is shown");
    world.write(1).unwrap();
    world.among(&[1, 3]).unwrap();
    assert_eq!(world.acknowledged(), 1);
    world.crash(1);
    world.lose();
    // Node 2's write of round 3 lies below what was acknowledged in round 4.
    world.start(2);
    world.lead(2, Epoch::new(5, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(keys(&world, 2), 1);
}

#[test]
fn an_older_epochs_write_counts_only_once_a_majority_has_it_under_the_new_one() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.among(&[1]).unwrap();
    world.crash(1);
    world.start(1);
    world.lose();
    // Node 1 leads again, and spreads the write; nobody else has written it under round 4 yet.
    world.lead(1, Epoch::new(4, 1)).unwrap();
    world.settle(&[1, 2], &[2]).unwrap();
    world.settle(&[1, 2], &[1]).unwrap();
    assert_eq!(stage(&world, 1), Stage::Spreading);
    assert!(world.served(1).is_none(), "it serves nothing before");
    world.among(&[1, 2]).unwrap();
    assert_eq!(keys(&world, 1), 1);
    world.crash(1);
    world.lose();
    world.lead(3, Epoch::new(5, 3)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(keys(&world, 3), 1);
}

#[test]
fn a_store_that_was_wiped_makes_no_majority_though_it_had_acknowledged() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.among(&[1, 3]).unwrap();
    assert_eq!(world.acknowledged(), 1);
    world.crash(1);
    world.lose();
    world.wipe(3);
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(
        stage(&world, 2),
        Stage::Promising,
        "one that counts of three is no majority"
    );
    assert_eq!(part(&world, 2, 3), Part::Refilling);
    world.start(1);
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(keys(&world, 2), 1);
    assert_eq!(part(&world, 2, 3), Part::Counts, "it is filled by now");
}

#[test]
fn a_store_that_is_being_filled_makes_no_majority() {
    let mut world = served_by_1();
    world.wipe(3);
    world.reconnect().unwrap();
    world.settle(&ALL, &[1, 3]).unwrap();
    assert_eq!(
        part(&world, 1, 3),
        Part::Refilling,
        "node 2 has not heard that it is to count"
    );
    world.write(1).unwrap();
    world.settle(&ALL, &[1, 3]).unwrap();
    assert_eq!(
        world.acknowledged(),
        0,
        "of those that count only node 1 has it"
    );
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 1);
    assert_eq!(part(&world, 1, 3), Part::Counts);
}

#[test]
fn a_store_that_takes_another_ones_place_comes_only_after_that_one_left() {
    let mut world = World::formed(&ALL);
    world.lead(2, Epoch::new(2, 2)).unwrap();
    world.among(&ALL).unwrap();
    // Node 1 leads round 3 with node 3; that one has all under it, but its answer and node 1's disk take their time.
    world.lead(1, Epoch::new(3, 1)).unwrap();
    world.among(&[1]).unwrap();
    world.settle(&[1, 3], &[3]).unwrap();
    assert_eq!(stage(&world, 1), Stage::Spreading);
    let late = world.take_away();
    // Node 3 gets another disk, and node 2, which still leads round 2, fills it.
    world.wipe(3);
    world.reconnect_from(2).unwrap();
    world.among(&[2, 3]).unwrap();
    world.write(2).unwrap();
    world.among(&[2, 3]).unwrap();
    // The one whose disk was replaced had promised round 3, and so had node 1.
    world.lose();
    world.bring_back(late);
    world.settle(&[1, 3], &[1]).unwrap();
    assert_eq!(
        world.acknowledged(),
        0,
        "node 1 is asked whether node 3's store left, and says that it was not"
    );
}

#[test]
fn two_of_three_empty_stores_form_nothing() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.among(&ALL).unwrap();
    world.crash(3);
    world.wipe(1);
    world.wipe(2);
    world.lose();
    world.lead(1, Epoch::new(3, 1)).unwrap();
    world.among(&[1, 2]).unwrap();
    assert_eq!(stage(&world, 1), Stage::Forming);
    world.start(3);
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(
        stage(&world, 1),
        Stage::Promising,
        "the one left of three is no majority"
    );
    world.force(1).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(
        keys(&world, 1),
        1,
        "an operator goes on with the one that is left"
    );
}

#[test]
fn a_master_that_others_do_not_follow_any_more_acknowledges_nothing() {
    let mut world = served_by_1();
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    world.write(1).unwrap();
    world.among(&[1]).unwrap();
    assert_eq!(stage(&world, 1), Stage::Serving, "it has not heard of it");
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 0);
    assert_eq!(
        world.seen.unknown, 1,
        "nobody knows whether it will be there"
    );
    assert_eq!(world.seen.outranked, 1);
}
