//! Daemons that are restarted for the next one, and what becomes of mastership.

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::{Reason, Role};

use heartbeat_sim::clock::Clock;
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, Weather, World};

/// Orders a restart of the daemon in `slot` and runs until it is gone.
fn make_room(world: &mut World, slot: Slot) {
    world.order(slot, Order::Restart);
    let gone = world.run_until(30 * MS, |world| world.machine(slot).has_exited);
    gone.expect("it makes room");
}

#[test]
fn planned_restarts_of_each_node_in_turn_move_nothing_and_leave_no_gap() {
    let mut world = World::settled(&[1, 2, 3], 401);
    let epoch = world.epoch();
    for slot in [1, 2, 3, 1, 2, 3, 1] {
        make_room(&mut world, slot);
        let before = world.at;
        let lost = world.run_until(140 * MS, |world| world.master() != Some(1));
        assert_eq!(lost, None, "{} ms after the exit", (world.at - before) / MS);
        world.at = before + 140 * MS;
        world.start(slot, Maps::Kept);
        world.run(200 * MS);
        assert_eq!((world.master(), world.epoch()), (Some(1), epoch));
    }
    let last = world.machine(1).changes.last().expect("a role change");
    assert_eq!((last.to, last.reason), (Role::Master, Reason::LeaseTakenUp));
    assert!(matches!(
        world.machine(1).answers[..],
        [
            Ok(OrderDone::RestartingAsMaster(_)),
            Ok(OrderDone::RestartingAsMaster(_)),
            Ok(OrderDone::RestartingAsMaster(_))
        ]
    ));
    assert_eq!(world.machine(2).answers[0], Ok(OrderDone::Restarting));
    assert!(world.machine(2).taken.is_empty() && world.machine(3).taken.is_empty());
}

#[test]
fn a_next_process_that_does_not_come_costs_the_restarts_lease_and_one_that_comes_late_follows() {
    let mut world = World::settled(&[1, 2, 3], 402);
    make_room(&mut world, 1);
    let took = world.run_until(400 * MS, |world| world.master() == Some(2));
    let took = took.expect("a new master");
    assert!((170 * MS..203 * MS).contains(&took), "{} us", took / 1_000);
    world.start(1, Maps::Kept);
    world.run(300 * MS);
    assert_eq!(
        (world.master(), world.role(1)),
        (Some(2), Some(Role::Slave))
    );
    assert!(!world.machine(1).has_addresses);
}

#[test]
fn clocks_at_the_guards_edge_never_make_two_masters_of_a_restart_that_fails() {
    for seed in 0..20 {
        let rate = |slot| if slot == 1 { 890_000 } else { 1_110_000 };
        let clock = |slot| Clock::new(1_000 * MS, rate(slot), false);
        let mut world = World::with_clocks(&[1, 2, 3], &[], 403 + seed, clock);
        world.start_all();
        world.run((600 + seed) * MS);
        assert_eq!(world.master(), Some(1));
        make_room(&mut world, 1);
        world.run(400 * MS);
        assert_eq!(world.master(), Some(2));
    }
}

#[test]
fn a_master_that_is_cut_off_as_it_is_told_to_restart_refuses_or_gives_mastership_up_in_order() {
    let mut world = World::settled(&[1, 2, 3], 404);
    world.isolate(1, true);
    world.order(1, Order::Restart);
    world.run(200 * MS);
    assert_eq!(
        world.machine(1).answers,
        [Err(OrderError::RestartNotGranted)]
    );
    assert!(!world.machine(1).has_exited, "it goes on");
    assert_eq!(world.master(), Some(2));
    world.isolate(1, false);
    world.run(200 * MS);
    assert_eq!(
        (world.master(), world.role(1)),
        (Some(2), Some(Role::Slave))
    );
}

#[test]
fn restarts_in_a_storm_never_make_two_masters() {
    for seed in 0..30 {
        let mut world = World::settled(&[1, 2, 3, 4, 5], 500 + seed);
        world.weather = Weather {
            loss: 200,
            doubled: 200,
            delay: (MS / 10, 12 * MS),
            stall: 15 * MS,
            stops: 300,
        };
        for round in 0..8 {
            for slot in world.slots().iter().copied() {
                world.order(slot, Order::Restart);
            }
            world.run((5 + 13 * round) * MS);
            world.start_the_next();
            world.run(60 * MS);
        }
        world.heal();
        world.run(100 * MS);
        world.start_the_next();
        let took = world.run_until(7_000 * MS, |world| world.master().is_some());
        took.expect("a master when it is over");
    }
}
