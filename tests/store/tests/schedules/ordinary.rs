//! What happens on any day.

use heartbeat_core::Epoch;
use heartbeat_store::Stage;
use heartbeat_store_proof::World;

use super::{ALL, keys, served_by_1, stage};

#[test]
fn three_new_stores_form_serve_and_acknowledge() {
    let mut world = World::new(&ALL);
    world.lead(1, Epoch::new(2, 1)).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(stage(&world, 1), Stage::Serving);
    world.write(1).unwrap();
    world.write(1).unwrap();
    assert_eq!(
        world.acknowledged(),
        0,
        "nothing is acknowledged before a disk has it"
    );
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 2);
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(keys(&world, 2), 2);
    assert_eq!(stage(&world, 1), Stage::Following);
}

#[test]
fn a_master_that_lags_by_a_few_writes_takes_them_from_who_has_them() {
    let mut world = served_by_1();
    for _ in 0..3 {
        world.write(1).unwrap();
        world.among(&[1, 3]).unwrap();
    }
    assert_eq!(world.acknowledged(), 3);
    world.crash(1);
    world.lose();
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    assert_eq!(keys(&world, 2), 3);
    assert_eq!(world.seen.gave_way, 0, "it only lagged");
}

#[test]
fn a_store_whose_answers_get_lost_is_asked_again() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.lose();
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 0, "nobody heard of it");
    world.reconnect().unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 1);
}

#[test]
fn a_restarted_master_goes_on_under_its_epoch_as_another_reign() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    // Nobody but node 2 has the write when the daemon is restarted.
    world.settle(&[1, 2], &[2]).unwrap();
    world.crash(1);
    world.lose();
    world.start(1);
    world.now = world.now + std::time::Duration::from_millis(300);
    world.lead(1, Epoch::new(2, 1)).unwrap();
    world.among(&[1, 3]).unwrap();
    assert_eq!(stage(&world, 1), Stage::Serving);
    world.write(1).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(world.acknowledged(), 1);
    assert_eq!(world.seen.gave_way, 1, "node 2 gave the other write up");
    assert_eq!(keys(&world, 1), 1);
}

#[test]
fn a_node_of_a_pair_serves_alone_once_the_other_is_silent_and_says_how_many_copies_there_are() {
    let mut world = World::formed(&[1, 2]);
    world.crash(2);
    world.lead(1, Epoch::new(2, 1)).unwrap();
    world.among(&[1]).unwrap();
    assert_eq!(
        stage(&world, 1),
        Stage::Promising,
        "two of two are a majority"
    );
    world.set_alone(1, true).unwrap();
    world.among(&[1]).unwrap();
    world.write(1).unwrap();
    world.among(&[1]).unwrap();
    assert_eq!(world.copies(), [1]);
    world.start(2);
    world.reconnect().unwrap();
    world.set_alone(1, false).unwrap();
    world.among(&[1, 2]).unwrap();
    world.write(1).unwrap();
    world.among(&[1, 2]).unwrap();
    assert_eq!(world.copies(), [1, 2]);
}
