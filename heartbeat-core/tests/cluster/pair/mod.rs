//! Pairs: two nodes, references on the business network, and perhaps a fence command.

mod cuts;
mod every_cut;
mod fences;
mod losses;
mod properties;
mod starts;

use heartbeat_core::Slot;
use heartbeat_core::config::PairRules;
use heartbeat_core::snapshot::{Guarantee, Reason, Role};

use heartbeat_sim::world::{MS, World};

/// One lease.
const L: u64 = 50 * MS;
/// A slave's wait after it heard its master last: it establishes the silence, waits a lease, asks the reference once
/// more, and is held up a little on the way.
const TAKEN_OVER: u64 = 90 * MS;

/// A pair by the default rules, after its first election.
fn settled(seed: u64) -> World {
    settled_by(PairRules::DEFAULT, seed)
}

fn settled_by(rules: PairRules, seed: u64) -> World {
    let mut world = World::pair(rules, seed);
    world.start_all();
    world.run(600 * MS);
    assert_eq!(
        world.master(),
        Some(1),
        "the lower slot is the first master"
    );
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Quorum);
    world
}

/// Runs until `slot` serves; how long that took.
fn until_served_by(world: &mut World, slot: Slot) -> u64 {
    world
        .run_until(3_000 * MS, |world| world.master() == Some(slot))
        .expect("it serves")
}

/// The reason of the newest role change.
fn last_reason(world: &World, slot: Slot) -> Reason {
    let changes = &world.machine(slot).changes;
    changes.last().expect("a role change").reason
}

/// The roles that `slot` took, in their order.
fn roles(world: &World, slot: Slot) -> Vec<Role> {
    let changes = world.machine(slot).changes.iter();
    changes.map(|change| change.to).collect()
}

/// How often `slot` stopped being master.
fn demotions(world: &World, slot: Slot) -> usize {
    let changes = world.machine(slot).changes.iter();
    changes.filter(|change| change.from == Role::Master).count()
}
