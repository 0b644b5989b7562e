//! Networks that are cut, and references that are lost.

use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Diagnosis, Reason};

use heartbeat_sim::world::{MS, World};

use super::*;

#[test]
fn a_management_link_that_is_cut_moves_nothing_while_the_business_network_works() {
    let mut world = settled(70);
    world.switch(Network::Management, false);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    let snapshot = world.snapshot(1);
    assert!(snapshot.degraded);
    assert_eq!(snapshot.guarantee, Guarantee::Quorum);
    let of_peer = |snapshot: &heartbeat_core::Snapshot| snapshot.members[1].diagnosis;
    assert_eq!(of_peer(&snapshot), Diagnosis::ManagementFault);
    assert_eq!(world.role(2), Some(Role::Slave));
}

#[test]
fn a_business_network_or_a_reference_that_is_lost_moves_nothing_while_the_management_link_works() {
    let mut world = settled(71);
    world.switch(Network::Business, false);
    for slot in [1, 2] {
        world.lose_reference(slot, true);
    }
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
}

#[test]
fn a_master_that_is_cut_off_shuts_its_gate_before_the_slave_opens_its_own() {
    for offset in 0..20 {
        let mut world = settled(80 + offset);
        world.run(offset * MS / 2);
        world.cut_off(1, true);
        let gone = world
            .run_until(L, |world| world.master().is_none())
            .expect("it gives mastership up");
        assert!(gone <= 41 * MS, "{gone}");
        let took = gone + until_served_by(&mut world, 2);
        assert!(took < TAKEN_OVER, "{took}");
        assert_eq!(last_reason(&world, 1), Reason::CutOff(2));
        world.run(500 * MS);
        assert_eq!((world.master(), world.watch.excepted_beside), (Some(2), 0));
        // It comes back, and follows.
        world.cut_off(1, false);
        world.run(500 * MS);
        assert_eq!(
            (world.master(), world.role(1)),
            (Some(2), Some(Role::Slave))
        );
        assert_eq!(demotions(&world, 2), 0);
    }
}

#[test]
fn a_slave_that_is_cut_off_stays_one_and_the_master_goes_on() {
    let mut world = settled(100);
    world.cut_off(2, true);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert_eq!(world.role(2), Some(Role::Slave));
    world.cut_off(2, false);
    world.run(500 * MS);
    assert_eq!(demotions(&world, 1), 0);
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Quorum);
}

#[test]
fn nobody_serves_when_both_are_cut_off_and_the_later_master_does_when_they_meet_again() {
    let mut world = settled(101);
    world.cut_off(1, true);
    world.cut_off(2, true);
    world.run(1_000 * MS);
    assert_eq!(world.master(), None);
    assert_eq!([1, 2].map(|slot| world.role(slot)), [Some(Role::Slave); 2]);
    world.part(false);
    let took = until_served_by(&mut world, 1);
    assert!(took < 3 * L, "{took}");
    assert!(roles(&world, 1).contains(&Role::BattleMaster));
    assert!(!roles(&world, 2).contains(&Role::Master));
    // The reference is still lost, and nobody needs it.
    world.run(500 * MS);
    assert_eq!(world.snapshot(1).guarantee, Guarantee::Quorum);
}

#[test]
fn two_that_both_reach_the_reference_and_not_each_other_are_both_master_and_one_is_left_when_they_meet()
 {
    let mut world = settled(102);
    world.part(true);
    world.run(1_000 * MS);
    assert_eq!([1, 2].map(|slot| world.role(slot)), [Some(Role::Master); 2]);
    assert!(world.watch.excepted_beside > 0, "the named case");
    for slot in [1, 2] {
        assert_eq!(world.snapshot(slot).guarantee, Guarantee::Evidence);
    }
    world.part(false);
    let took = world
        .run_until(2 * L, |world| world.role(1) == Some(Role::Slave))
        .expect("one of them gives way within two detection times");
    assert!(took <= L, "{took}");
    let excepted = world.watch.excepted_beside;
    world.run(1_000 * MS);
    assert_eq!(world.master(), Some(2), "the later one stays");
    assert_eq!(world.watch.excepted_beside, excepted);
    assert_eq!((demotions(&world, 1), demotions(&world, 2)), (1, 0));
}

#[test]
fn a_reference_that_only_the_master_lost_while_parted_leaves_the_slave_alone() {
    let mut world = settled(103);
    world.lose_reference(1, true);
    world.part(true);
    world.run(1_000 * MS);
    assert_eq!((world.master(), world.watch.excepted_beside), (Some(2), 0));
    assert_eq!(last_reason(&world, 1), Reason::CutOff(2));
}

/// Parted, with a reference that moves from the master's side to the slave's: as when a switch chooses other paths.
fn the_reference_changes_sides(offset: u64) -> World {
    let mut world = settled(110 + offset);
    world.lose_reference(2, true);
    world.part(true);
    world.run(300 * MS + offset * MS);
    assert_eq!(world.master(), Some(1));
    world.lose_reference(1, true);
    world.lose_reference(2, false);
    world.run(500 * MS);
    world
}

#[test]
fn a_reference_that_changes_sides_leaves_no_time_with_two_masters() {
    for offset in 0..60 {
        let world = the_reference_changes_sides(offset);
        assert_eq!(
            (world.master(), world.watch.excepted_beside),
            (Some(2), 0),
            "{offset}"
        );
    }
}

#[test]
fn who_is_heard_one_way_only_is_not_silent() {
    // The master hears its slave and is not heard: it cannot rest on the reference.
    let mut world = settled(104);
    world.links(1, 2, false);
    until_served_by(&mut world, 2);
    world.run(500 * MS);
    assert_eq!(world.watch.excepted_beside, 0);
    let ended = world.machine(1).changes.iter();
    let mut ended = ended.filter(|change| change.from == Role::Master);
    let last = ended.next_back().expect("it did");
    assert_eq!(last.reason, Reason::MajorityLost);
    // The master is heard and hears nothing: it stays, since the slave does not stand.
    let mut world = settled(105);
    world.links(2, 1, false);
    world.run(1_000 * MS);
    assert_eq!((world.master(), demotions(&world, 1)), (Some(1), 0));
    assert!(!roles(&world, 2).contains(&Role::Master));
}

#[test]
fn two_whose_control_ports_are_closed_hear_each_others_kernels_and_serve_nothing_twice() {
    let mut world = World::pair(PairRules::DEFAULT, 106);
    world.deaf_ports.insert((1, 2));
    world.deaf_ports.insert((2, 1));
    world.start_all();
    world.run(2_000 * MS);
    assert_eq!(world.master(), None);
    assert_eq!(world.watch.excepted_beside, 0);
    world.deaf_ports.clear();
    until_served_by(&mut world, 1);
}

#[test]
fn a_lossy_network_moves_nothing() {
    let mut world = settled(107);
    world.weather.loss = 150;
    world.run(5_000 * MS);
    assert!(world.watch.served > 0);
    assert_eq!(world.watch.excepted_beside, 0);
}
