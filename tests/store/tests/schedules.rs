//! Schedules that are written down: the known bad ones, each harmless only by a line that somebody might take out.

use heartbeat_core::Epoch;
use heartbeat_store::Stage;
use heartbeat_store_proof::World;

const ALL: [u16; 3] = [1, 2, 3];

fn stage(world: &World, slot: u16) -> Stage {
    world.store(slot).expect("it runs").status().stage
}

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
    assert_eq!(world.served(2).unwrap().entries().len(), 2);
    assert_eq!(stage(&world, 1), Stage::Following);
}
