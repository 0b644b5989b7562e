//! A majority is gone, and an operator forces a promotion: with what he vouched for, and without.

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::order::OrderDone;
use heartbeat_core::snapshot::{Guarantee, Role};

use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, Weather, World};

/// Until a node knows that nobody answers its polls any more, which it sends every 10 s.
const UNANSWERED: u64 = 13_000 * MS;

fn force(world: &mut World, slot: Slot) {
    world.order(slot, Order::Force);
    world.run(5 * MS);
    assert_eq!(
        world.machine(slot).answers.last(),
        Some(&Ok(OrderDone::Forced))
    );
    assert_eq!(guarantee(world, slot), Guarantee::Forced);
}

fn guarantee(world: &World, slot: Slot) -> Guarantee {
    world.snapshot(slot).guarantee
}

/// All nodes see the one master, which a majority grants to.
fn agree_on_a_quorum(world: &World) -> bool {
    let Some(master) = world.master() else {
        return false;
    };
    guarantee(world, master) == Guarantee::Quorum
        && world
            .slots()
            .iter()
            .copied()
            .all(|slot| world.snapshot(slot).master == Some(master))
}

#[test]
fn with_two_of_three_off_a_forced_one_serves_and_when_they_come_back_it_is_an_ordinary_master() {
    let mut world = World::settled(&[1, 2, 3], 601);
    world.power_off(1);
    world.power_off(2);
    world.run(UNANSWERED);
    assert_eq!(world.master(), None);
    force(&mut world, 3);
    for _ in 0..100 {
        world.run(20 * MS);
        assert_eq!(world.master(), Some(3));
    }
    let epoch = world.epoch();
    world.start(1, Maps::Lost);
    world.run(200 * MS);
    world.start(2, Maps::Lost);
    let took = world.run_until(2_000 * MS, agree_on_a_quorum);
    took.expect("one master that all agree on");
    assert_eq!((world.master(), world.epoch()), (Some(3), epoch));
    assert_eq!(world.watch.forced_beside, 0, "the operator kept his word");
    assert_eq!(world.role(1), Some(Role::Slave));
    world.power_off(3);
    world.run(300 * MS);
    assert!(world.master().is_some_and(|master| master != 3));
}

#[test]
fn where_the_others_serve_after_all_one_master_is_left_when_they_meet() {
    for (seed, forced_twice) in [(611, false), (612, true), (613, false), (614, true)] {
        let mut world = World::settled(&[1, 2, 3], seed);
        world.isolate(1, true);
        world.run(UNANSWERED);
        assert_eq!(world.master(), Some(2), "the other side elected");
        force(&mut world, 1);
        world.run(300 * MS);
        assert!(world.watch.forced_beside > 0, "the named exception");
        if forced_twice {
            // The other side moves on to higher rounds meanwhile.
            world.order(2, Order::Switchover(Some(3)));
            world.run(100 * MS);
            world.order(3, Order::Switchover(Some(2)));
            world.run(100 * MS);
        }
        world.isolate(1, false);
        let took = world.run_until(3_000 * MS, agree_on_a_quorum);
        took.expect("one master that all agree on");
    }
}

#[test]
fn once_a_majority_stands_behind_it_there_are_never_two_whatever_the_network_does() {
    for seed in 0..25 {
        let mut world = World::settled(&[1, 2, 3], 700 + seed);
        world.isolate(1, true);
        world.run(UNANSWERED + seed * 7 * MS);
        force(&mut world, 1);
        world.run(100 * MS);
        world.isolate(1, false);
        world.weather = Weather {
            loss: 150,
            doubled: 150,
            delay: (MS / 10, 10 * MS),
            stall: 12 * MS,
            stops: 200,
        };
        // Every violation but that of the forced lease ends the test.
        world.run(3_000 * MS);
        world.heal();
        let took = world.run_until(7_000 * MS, agree_on_a_quorum);
        took.expect("one master that all agree on");
    }
}

#[test]
fn the_daemon_of_a_forced_master_that_is_started_again_is_master_no_more() {
    let mut world = World::settled(&[1, 2, 3], 621);
    world.power_off(2);
    world.power_off(3);
    world.run(UNANSWERED);
    force(&mut world, 1);
    world.kill(1);
    world.run(MS);
    world.start(1, Maps::Kept);
    world.run(500 * MS);
    assert_eq!(world.master(), None);
    assert!(!world.machine(1).has_addresses);
    assert_eq!(guarantee(&world, 1), Guarantee::Quorum);
    world.run(UNANSWERED);
    force(&mut world, 1);
    assert_eq!(world.master(), Some(1), "forced again");
}
