//! Schedules that are written down.

mod changes;
mod disks;
mod known_bad;
mod ordinary;

use heartbeat_core::{Epoch, Slot};
use heartbeat_store::{Part, Stage};
use heartbeat_store_proof::World;

const ALL: [Slot; 3] = [1, 2, 3];

fn stage(world: &World, slot: Slot) -> Stage {
    world.store(slot).expect("it runs").status().stage
}

/// How a leader sees the store there.
fn part(world: &World, leader: Slot, slot: Slot) -> Part {
    let status = world.store(leader).expect("it runs").status();
    status.stores[&slot].part
}

/// Three formed stores, of which node 1 leads round 2 and serves.
fn served_by_1() -> World {
    let mut world = World::formed(&ALL);
    world.lead(1, Epoch::new(2, 1)).unwrap();
    world.among(&ALL).unwrap();
    assert_eq!(stage(&world, 1), Stage::Serving);
    world
}

/// How many keys a node serves.
fn keys(world: &World, slot: Slot) -> usize {
    world.served(slot).expect("it serves").entries().len()
}
