//! One of the two is lost: its machine, its daemon, its processor.

use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Reason;

use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::MS;

use super::*;

#[test]
fn a_slave_takes_over_from_a_dead_machine_when_any_other_master_must_have_shut_its_gate() {
    for offset in 0..10 {
        let mut world = settled(20 + offset);
        world.run(offset * MS);
        world.power_off(1);
        let took = until_served_by(&mut world, 2);
        assert!((L..TAKEN_OVER).contains(&took), "{took}");
        assert_eq!(last_reason(&world, 2), Reason::Evidence(1));
        assert_eq!(world.machine(2).guarantee, Guarantee::Evidence);
        world.run(1_000 * MS);
        assert_eq!(demotions(&world, 2), 0);
    }
}

#[test]
fn a_master_whose_slave_dies_goes_on_without_a_gap() {
    for offset in 0..20 {
        let mut world = settled(40 + offset);
        world.run(offset * MS / 2);
        world.power_off(2);
        world.run(1_000 * MS);
        assert_eq!(
            (world.master(), demotions(&world, 1)),
            (Some(1), 0),
            "offset {offset}"
        );
        assert_eq!(world.machine(1).guarantee, Guarantee::Evidence);
    }
}

#[test]
fn a_dead_daemon_whose_kernel_answers_that_its_gate_is_shut_is_silent() {
    let mut world = settled(60);
    world.kill(1);
    let took = until_served_by(&mut world, 2);
    assert!((2 * L..3 * L).contains(&took), "{took}");
    // From then on its kernel grants, so that the lease rests on both again.
    world.run(300 * MS);
    assert_eq!(world.machine(2).guarantee, Guarantee::Quorum);
    world.start(1, Maps::Kept);
    world.run(300 * MS);
    assert_eq!(
        (world.master(), world.role(1)),
        (Some(2), Some(Role::Slave))
    );
}

#[test]
fn a_daemon_that_is_stopped_and_runs_again_finds_its_gate_shut() {
    for ms in [30, 60, 90, 120, 200, 400] {
        let mut world = settled(61);
        world.freeze(1, world.at + ms * MS);
        world.run(1_500 * MS);
        assert!(world.master().is_some());
        assert_eq!(world.watch.excepted_beside, 0, "{ms} ms");
    }
}

#[test]
fn a_slave_whose_daemon_is_dead_still_grants() {
    let mut world = settled(62);
    world.kill(2);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Quorum);
}

#[test]
fn what_is_handed_over_needs_no_evidence() {
    let mut world = settled(63);
    world.order(1, Order::Switchover(Some(2)));
    assert!(until_served_by(&mut world, 2) < 5 * MS);
    assert_eq!(last_reason(&world, 2), Reason::Elected);
    world.run(200 * MS);
    world.order(2, Order::Stop);
    assert!(until_served_by(&mut world, 1) < 5 * MS);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 1));
}

#[test]
fn a_node_that_runs_late_itself_finds_nobody_silent() {
    let mut world = settled(64);
    // Each wake-up of a slave is up to 30 ms late, for two seconds: it hears its master all the same.
    for _ in 0..40 {
        let until = world.at + 30 * MS;
        world.freeze(2, until);
        world.run(50 * MS);
    }
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert!(!roles(&world, 2).contains(&Role::Master));
}

#[test]
fn the_winner_takes_the_place_of_a_loser_that_never_comes_back() {
    let mut world = settled(65);
    for slot in [1, 2] {
        world.cut_off(slot, true);
    }
    world.run(500 * MS);
    assert_eq!(world.master(), None);
    world.power_off(1);
    world.cut_off(2, false);
    until_served_by(&mut world, 2);
    assert_eq!(last_reason(&world, 2), Reason::Evidence(1));
}
