//! The business network beside a management network that works: who is cut off from it does not serve if another can.

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Diagnosis, Reason, Role};
use heartbeat_sim::world::{MS, World};

const ALL: [Slot; 3] = [1, 2, 3];
/// From a fault until it is found and acted on, at most: a poll's round, a row of questions, one to the others, and the next
/// look at who is silent.
const FOUND: u64 = 13_500 * MS;

/// Slot 1 is master of three nodes that are all on the business network.
fn settled(seed: u64) -> World {
    let mut world = World::new(&ALL, seed);
    for slot in ALL {
        let members = world.machine_mut(slot).config.members.values_mut();
        members.for_each(|member| member.business = true);
    }
    world.start_all();
    let took = world.run_until(2_000 * MS, |world| world.master() == Some(1));
    took.expect("the lowest slot is first");
    world.run(2_000 * MS);
    world
}

fn diagnosed(world: &World, by: Slot, of: Slot) -> Diagnosis {
    let members = world.snapshot(by).members;
    let member = members.iter().find(|member| member.slot == of);
    member.expect("a member").diagnosis
}

/// How often any node became master, or ceased to be.
fn moves(world: &World) -> usize {
    let machines = world.machines.values();
    let changes = machines.flat_map(|machine| &machine.changes);
    changes
        .filter(|change| change.from == Role::Master || change.to == Role::Master)
        .count()
}

#[test]
fn a_master_cut_off_from_the_business_network_hands_over_once_whatever_it_finds_then() {
    for seed in 0..4 {
        let mut world = settled(seed);
        let before = moves(&world);
        world.isolate_on(1, Network::Business, true);
        let moved = world.run_until(FOUND, |world| world.master() == Some(2));
        moved.expect("it hands over to the lowest one that others reach");
        let left = world.machine(1).changes.last().expect("it left");
        assert_eq!(left.reason, Reason::BusinessLost);
        world.run(FOUND);
        assert_eq!(world.master(), Some(2));
        assert_eq!(moves(&world), before + 2, "one end and one beginning");
        for by in ALL {
            assert_eq!(
                diagnosed(&world, by, 1),
                Diagnosis::BusinessFault,
                "by {by}"
            );
            assert_eq!(diagnosed(&world, by, 3), Diagnosis::Healthy, "by {by}");
        }
        world.isolate_on(1, Network::Business, false);
        world.run(FOUND);
        assert_eq!(diagnosed(&world, 2, 1), Diagnosis::Healthy);
        assert_eq!(world.master(), Some(2));
    }
}

#[test]
fn a_business_network_that_carries_nothing_moves_nothing_and_a_lost_master_is_still_followed() {
    let mut world = settled(7);
    let before = moves(&world);
    world.switch(Network::Business, false);
    world.run(FOUND);
    for of in [1, 2, 3] {
        let found = diagnosed(&world, 1, of);
        assert_eq!(found, Diagnosis::BusinessFault, "slot {of}");
    }
    world.run(FOUND);
    assert_eq!((world.master(), moves(&world)), (Some(1), before));
    world.power_off(1);
    let followed = world.run_until(500 * MS, |world| world.master().is_some());
    followed.expect("all have the fault, and there is a master");
}

#[test]
fn whoever_is_reachable_follows_a_lost_master_before_a_lower_slot_that_is_not() {
    for seed in 0..4 {
        let mut world = settled(seed);
        world.isolate_on(2, Network::Business, true);
        world.run(FOUND);
        for by in ALL {
            assert_eq!(
                diagnosed(&world, by, 2),
                Diagnosis::BusinessFault,
                "by {by}"
            );
        }
        assert_eq!(world.master(), Some(1));
        world.power_off(1);
        let followed = world.run_until(500 * MS, |world| world.master().is_some());
        followed.expect("there is a majority");
        assert_eq!(world.master(), Some(3));
    }
}
