//! From `init`: who a node was last, and what its peer says.

use heartbeat_core::config::PairRules;
use heartbeat_core::snapshot::{Reason, Role};

use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, World};

use super::*;

/// Longer than an abstention, a battle and an election.
const STARTED: u64 = 400 * MS;

/// Both lose their power and come back at one time.
fn restart_both(world: &mut World) {
    for slot in [1, 2] {
        world.power_off(slot);
    }
    world.run(100 * MS);
    world.start_all();
}

#[test]
fn a_pair_that_never_ran_begins_with_its_lower_slot() {
    let mut world = World::pair(PairRules::DEFAULT, 1);
    world.start_all();
    until_served_by(&mut world, 1);
    world.run(STARTED);
    assert_eq!(
        roles(&world, 1),
        [Role::IsMaster, Role::Candidate, Role::Master]
    );
    assert_eq!(roles(&world, 2), [Role::Slave]);
    assert_eq!(world.watch.excepted_beside, 0);
}

#[test]
fn both_boot_at_once_and_the_last_master_is_master_again() {
    let mut world = settled(2);
    world.power_off(1);
    until_served_by(&mut world, 2);
    world.run(300 * MS);
    world.start(1, Maps::Lost);
    world.run(600 * MS);
    restart_both(&mut world);
    let took = until_served_by(&mut world, 2);
    assert!(took < STARTED, "{took}");
    assert_eq!(roles(&world, 1).last(), Some(&Role::Slave));
    let changes = roles(&world, 2);
    assert_eq!(
        changes[changes.len() - 3..],
        [Role::IsMaster, Role::Candidate, Role::Master]
    );
}

#[test]
fn of_two_that_were_slaves_last_the_one_that_was_active_later_is_master() {
    let mut world = settled(3);
    // Slot 2 takes over in order, and then stops in order: both were slaves last.
    world.order(1, heartbeat_core::event::Order::Switchover(Some(2)));
    until_served_by(&mut world, 2);
    world.run(1_500 * MS);
    world.order(1, heartbeat_core::event::Order::Maintenance(true));
    world.run(10 * MS);
    world.order(2, heartbeat_core::event::Order::Stop);
    world.run(10 * MS);
    assert_eq!(world.master(), None);
    restart_both(&mut world);
    until_served_by(&mut world, 2);
    assert!(
        [1, 2]
            .iter()
            .any(|slot| roles(&world, *slot).contains(&Role::BattleMaster))
    );
    assert!(
        !roles(&world, 1)[3..].contains(&Role::Master),
        "{:?}",
        roles(&world, 1)
    );
}

#[test]
fn of_two_that_were_both_master_last_the_one_that_was_active_later_is_master() {
    let mut world = settled(4);
    world.part(true);
    world.run(300 * MS);
    assert_eq!(
        [1, 2].map(|slot| world.role(slot)),
        [Some(Role::Master); 2],
        "the excepted case"
    );
    world.power_off(1);
    world.run(2_000 * MS);
    world.power_off(2);
    world.part(false);
    world.start_all();
    until_served_by(&mut world, 2);
    for slot in [1, 2] {
        assert!(roles(&world, slot).contains(&Role::IsMaster));
    }
    assert!(roles(&world, 2).contains(&Role::BattleMaster));
}

#[test]
fn a_wall_clock_that_is_an_hour_off_decides_only_between_ages_that_lie_before_a_boot() {
    for off in [-3_600_000, 3_600_000] {
        let mut world = settled(5);
        world.machine_mut(1).wall_off = off * MS as i64;
        world.machine_mut(2).wall_off = -off * MS as i64;
        world.run(1_000 * MS);
        assert_eq!(demotions(&world, 1), 0);
        world.power_off(1);
        until_served_by(&mut world, 2);
        world.run(2_000 * MS);
        // Its daemon alone is killed, so that its age is its own clock's; slot 1's lies before its boot.
        world.kill(2);
        world.run(100 * MS);
        world.start(1, Maps::Lost);
        world.start(2, Maps::Kept);
        until_served_by(&mut world, 2);
    }
}

#[test]
fn a_peer_that_was_never_there_is_passed_over_by_evidence_and_by_nothing_else() {
    for slot in [1, 2] {
        let mut world = World::pair(PairRules::DEFAULT, 6);
        world.lose_reference(slot, true);
        world.power_off(3 - slot);
        world.start(slot, Maps::Lost);
        world.run(2_000 * MS);
        assert_eq!(
            world.master(),
            None,
            "nothing shows that slot {slot} is not the cut-off one"
        );
        world.lose_reference(slot, false);
        // It asks once a lease by now, and then a lease passes.
        let took = until_served_by(&mut world, slot);
        assert!((L..3 * L).contains(&took), "{took}");
        assert_eq!(last_reason(&world, slot), Reason::Evidence(3 - slot));
        assert_eq!(world.snapshot(slot).guarantee, Guarantee::Evidence);
    }
}

#[test]
fn a_slave_that_starts_lets_the_last_master_come_up_first() {
    let mut world = settled(7);
    restart_both(&mut world);
    world.power_off(1);
    world.run(350 * MS);
    assert_eq!(world.master(), None);
    world.start(1, Maps::Lost);
    until_served_by(&mut world, 1);
    assert!(!roles(&world, 2).contains(&Role::Master));
}

#[test]
fn a_master_that_crashed_comes_back_as_a_slave_of_the_other() {
    let mut world = settled(8);
    world.power_off(1);
    until_served_by(&mut world, 2);
    world.run(100 * MS);
    world.start(1, Maps::Lost);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 2)), (Some(2), 0));
    assert_eq!(world.role(1), Some(Role::Slave));
    assert!(roles(&world, 1).contains(&Role::IsMaster));
    assert_eq!(world.snapshot(2).guarantee, Guarantee::Quorum);
}

#[test]
fn a_slave_that_crashed_comes_back_and_disturbs_nobody() {
    let mut world = settled(9);
    world.power_off(2);
    world.run(1_000 * MS);
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Evidence);
    world.start(2, Maps::Lost);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert_eq!(roles(&world, 2).last(), Some(&Role::Slave));
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Quorum);
}

#[test]
fn of_both_that_crashed_the_slave_alone_comes_back_and_serves_by_evidence() {
    let mut world = settled(10);
    for slot in [1, 2] {
        world.power_off(slot);
    }
    world.run(100 * MS);
    world.start(2, Maps::Lost);
    until_served_by(&mut world, 2);
    assert_eq!(
        roles(&world, 2)[..3],
        [Role::Slave, Role::Slave, Role::Master]
    );
    // The last master finds it at work.
    world.start(1, Maps::Lost);
    world.run(1_000 * MS);
    assert_eq!(
        (world.master(), world.role(1)),
        (Some(2), Some(Role::Slave))
    );
}

#[test]
fn a_daemon_that_restarts_with_its_maps_takes_its_lease_up_as_ever() {
    let mut world = settled(11);
    world.start(1, Maps::Kept);
    world.run(200 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert_eq!(last_reason(&world, 1), Reason::LeaseTakenUp);
}
