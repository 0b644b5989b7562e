//! Disks that are slow, full, or older than what they acknowledged.

use heartbeat_core::Epoch;
use heartbeat_store::{Part, Stage, Trouble};

use super::{ALL, keys, part, served_by_1, stage};

#[test]
fn a_slow_disk_holds_up_nobody_and_catches_up() {
    let mut world = served_by_1();
    for _ in 0..4 {
        world.write(1).unwrap();
        world.settle(&ALL, &[1, 2]).unwrap();
    }
    assert_eq!(world.acknowledged(), 4);
    assert_eq!(lags(&world, 3), Some(4));
    world.among(&ALL).unwrap();
    assert_eq!(lags(&world, 3), Some(0));
}

/// How many changes the leader sees a store lack.
fn lags(world: &heartbeat_store_proof::World, slot: u16) -> Option<u64> {
    world.store(1).unwrap().status().stores[&slot].lags
}

#[test]
fn a_full_disk_counts_nowhere_says_so_and_is_asked_again() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.settle(&ALL, &[2]).unwrap();
    world.fails(1, Trouble::Full).unwrap();
    world.fails(3, Trouble::Full).unwrap();
    world.settle(&ALL, &[2]).unwrap();
    assert_eq!(world.acknowledged(), 0, "only one disk has it");
    let status = world.store(1).unwrap().status();
    assert_eq!(status.trouble, Some(Trouble::Full));
    assert_eq!(status.stores[&3].trouble, Some(Trouble::Full));
    world.time_out(1).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 1);
    assert_eq!(world.store(1).unwrap().status().trouble, None);
}

#[test]
fn a_disk_that_was_set_back_to_an_older_state_counts_nowhere_until_it_is_a_new_store_and_filled() {
    let mut world = served_by_1();
    let older = world.copy_of_disk(3);
    world.write(1).unwrap();
    world.among(&ALL).unwrap();
    // With the next write all hear how far the others were.
    world.write(1).unwrap();
    world.among(&ALL).unwrap();
    world.crash(1);
    world.lose();
    world.put_disk(3, older);
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(
        stage(&world, 2),
        Stage::Promising,
        "one of three is no majority"
    );
    assert_eq!(part(&world, 2, 3), Part::Refilling);
    world.start(1);
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(keys(&world, 2), 2);
    assert_eq!(stage(&world, 3), Stage::SetBack);
    world.wipe(3);
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(part(&world, 2, 3), Part::Counts);
}

#[test]
fn the_end_of_a_state_that_comes_late_makes_no_state_of_some_of_its_parts() {
    let mut world = served_by_1();
    for _ in 0..3 {
        world.write_long(1).unwrap();
        world.among(&[1, 2]).unwrap();
    }
    world.wipe(3);
    world.reconnect().unwrap();
    let mut filled = 0;
    for first in 0..20 {
        // The state comes; at some time node 3 loses its power, and what is on the way then takes its time.
        let mut world = world.clone();
        world.steps(&ALL, first).unwrap();
        let late = world.take_away();
        world.crash(3);
        world.start(3);
        world.reconnect().unwrap();
        for then in 0..8 {
            let mut world = world.clone();
            world.steps(&ALL, then).unwrap();
            world.bring_back(late.clone());
            world.among(&ALL).unwrap();
            let entries = world.store(3).unwrap().stored().state.entries().len();
            assert_eq!(entries, 3, "after {first} steps and {then} more");
            filled += 1;
        }
    }
    assert_eq!(filled, 160);
}

#[test]
fn a_state_that_comes_in_parts_is_taken_whole_or_not_at_all() {
    let mut world = served_by_1();
    for _ in 0..5 {
        world.write_long(1).unwrap();
        world.among(&[1, 2]).unwrap();
    }
    world.wipe(3);
    world.reconnect().unwrap();
    world.steps(&ALL, 8).unwrap();
    let staged = world.store(3).unwrap().stored().state.entries().len();
    assert_eq!(staged, 0, "what has come lies beside what is stored");
    world.crash(3);
    world.start(3);
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(world.store(3).unwrap().stored().state.entries().len(), 5);
    assert_eq!(part(&world, 1, 3), Part::Counts);
}
