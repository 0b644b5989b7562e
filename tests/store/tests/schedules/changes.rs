//! Electors come and go, and their stores with them.

use heartbeat_core::{Epoch, Slot};
use heartbeat_store_proof::World;

use super::{keys, served_by_1};

/// The slots whose stores count.
fn holders(world: &World, leader: Slot) -> Vec<Slot> {
    world
        .served(leader)
        .expect("it serves")
        .holders
        .keys()
        .copied()
        .collect()
}

#[test]
fn a_new_electors_store_counts_once_it_is_filled_and_a_former_ones_leaves_after_that() {
    let mut world = served_by_1();
    world.write(1).unwrap();
    world.among(&[1, 2, 3]).unwrap();
    world.join(4);
    world.set_electors(&[1, 2, 4]).unwrap();
    world.among(&[1, 2, 3]).unwrap();
    assert_eq!(
        holders(&world, 1),
        [1, 2, 3],
        "nobody leaves before the new one has come"
    );
    world.among(&[1, 2, 3, 4]).unwrap();
    assert_eq!(holders(&world, 1), [1, 2, 4]);
    world.crash(1);
    world.lose();
    world.lead(4, Epoch::new(3, 4)).unwrap();
    world.among(&[2, 4]).unwrap();
    assert_eq!(keys(&world, 4), 1);
}

#[test]
fn a_master_changes_nothing_of_who_counts_before_a_majority_has_something_of_its_own() {
    // Four count. Under round 2, node 1 has node 5 come, and only the two of them know.
    let mut world = World::formed(&[1, 2, 3, 4]);
    world.lead(1, Epoch::new(2, 1)).unwrap();
    world.among(&[1, 2, 3, 4]).unwrap();
    world.join(5);
    world.set_electors(&[1, 2, 3, 4, 5]).unwrap();
    world.among(&[1, 5]).unwrap();
    world.crash(1);
    world.lose();
    // Under round 3 node 2 has node 1 leave, which three of three know of; but first all must have what it took over.
    world.set_electors(&[2, 3, 4]).unwrap();
    world.lead(2, Epoch::new(3, 2)).unwrap();
    world.among(&[2, 3]).unwrap();
    world.write(2).unwrap();
    world.among(&[2, 3]).unwrap();
    let acknowledged = world.acknowledged();
    world.crash(2);
    world.crash(3);
    world.lose();
    world.start(1);
    world.lead(1, Epoch::new(4, 1)).unwrap();
    world.among(&[1, 4, 5]).unwrap();
    assert_eq!(acknowledged, 0, "two of four are no majority");
    assert!(
        world.served(1).is_some(),
        "three of five go on without the others"
    );
}
