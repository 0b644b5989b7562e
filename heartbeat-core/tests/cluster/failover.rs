//! Elections, failovers and switchovers, each fault by itself.

use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::{Diagnosis, Reason, Role};

use heartbeat_sim::clock::{Clock, TRUE_RATE};
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, US, World};

/// One lease.
const L: u64 = 50 * MS;
/// One lease and 2 ms: the longest outage that is promised after a loss.
const PROMISED: u64 = 52 * MS;

/// Runs until a master other than `lost` serves; how long that took.
fn outage_after_losing(world: &mut World, lost: Slot) -> u64 {
    let serves = |world: &World| world.master().is_some_and(|master| master != lost);
    world.run_until(2_000 * MS, serves).expect("a new master")
}

fn last_reason(world: &World, slot: Slot) -> Reason {
    world
        .machine(slot)
        .changes
        .last()
        .expect("a role change")
        .reason
}

#[test]
fn a_cold_start_makes_the_lowest_slot_master_and_nobody_else() {
    let mut world = World::new(&[1, 2, 3], 1);
    world.start_all();
    let took = world.run_until(1_000 * MS, |world| world.master() == Some(1));
    // The abstention of 1.2 max_lease, a question and a vote.
    assert!(took.expect("a master") < 243 * MS, "{took:?}");
    world.run(500 * MS);
    assert_eq!(world.master(), Some(1));
    for slot in [2, 3] {
        assert_eq!(world.role(slot), Some(Role::Slave));
        assert_eq!(world.snapshot(slot).master, Some(1));
    }
}

#[test]
fn on_the_very_first_start_the_lowest_slot_wins_though_it_started_last() {
    let mut world = World::new(&[1, 2, 3], 1);
    world.start(3, Maps::Lost);
    world.run(20 * MS);
    world.start(2, Maps::Lost);
    world.run(150 * MS);
    world.start(1, Maps::Lost);
    world.run(700 * MS);
    assert_eq!(world.master(), Some(1));
    assert!(world.machine(2).taken.is_empty() && world.machine(3).taken.is_empty());
}

#[test]
fn a_slot_that_is_not_there_is_not_waited_for_longer_than_it_may_take_to_start() {
    let mut world = World::new(&[1, 2, 3], 1);
    world.start(2, Maps::Lost);
    world.start(3, Maps::Lost);
    world.power_off(1);
    let took = world.run_until(1_000 * MS, |world| world.master() == Some(2));
    // The abstention, max_lease in which slot 1 could have started, a period in which it could have
    // answered, and a vote.
    assert!(took.expect("a master") < 452 * MS, "{took:?}");
}

#[test]
fn after_the_masters_machine_died_the_successor_serves_within_a_lease_and_2_ms() {
    let mut world = World::settled(&[1, 2, 3], 2);
    assert_eq!(world.snapshot(3).successor, Some(2));
    world.power_off(1);
    let outage = outage_after_losing(&mut world, 1);
    assert_eq!(world.master(), Some(2));
    assert!(outage < PROMISED, "{} us", outage / US);
    assert_eq!(last_reason(&world, 2), Reason::Elected);
}

#[test]
fn after_the_masters_daemon_was_killed_its_gate_shuts_by_itself_before_the_successor_serves() {
    let mut world = World::settled(&[1, 2, 3], 3);
    world.kill(1);
    let shut = world.run_until(200 * MS, |world| world.master().is_none());
    assert!(shut.expect("the gate shuts") <= 40 * MS, "{shut:?}");
    let rest = outage_after_losing(&mut world, 1);
    assert!(shut.unwrap_or(0) + rest < PROMISED);
    assert_eq!(world.master(), Some(2));
}

#[test]
fn a_frozen_master_serves_nothing_after_its_lease_and_is_a_slave_when_it_wakes() {
    let mut world = World::settled(&[1, 2, 3], 4);
    let (frozen_at, until) = (world.at, world.at + 3_000 * MS);
    world.freeze(1, until);
    let outage = outage_after_losing(&mut world, 1);
    assert!(outage < PROMISED, "{} us", outage / US);
    world.run(until - world.at + 100 * MS);
    assert_eq!(world.master(), Some(2));
    assert_eq!(world.role(1), Some(Role::Slave));
    let demoted = world.became(1, Role::Slave).expect("it stepped down");
    assert!(
        demoted >= until && demoted - until < MS,
        "frozen at {frozen_at}, demoted at {demoted}"
    );
    assert!(!world.machine(1).has_addresses);
}

#[test]
fn a_slave_cut_off_alone_for_a_minute_ends_no_mastership_when_it_comes_back() {
    let mut world = World::settled(&[1, 2, 3], 5);
    let before = world.epoch();
    world.isolate(3, true);
    world.run(60_000 * MS);
    assert_eq!(
        world.role(3),
        Some(Role::Candidate),
        "it asks, and promises nothing"
    );
    world.isolate(3, false);
    world.run(200 * MS);
    assert_eq!((world.master(), world.epoch()), (Some(1), before));
    assert_eq!(world.role(3), Some(Role::Slave));
    assert_eq!(world.machine(3).kernel.control.promised_epoch, before.0);
}

#[test]
fn the_master_that_is_cut_off_releases_and_the_successor_takes_over() {
    let mut world = World::settled(&[1, 2, 3], 6);
    world.isolate(1, true);
    let outage = outage_after_losing(&mut world, 1);
    assert!(outage < PROMISED, "{} us", outage / US);
    assert_eq!(last_reason(&world, 1), Reason::MajorityLost);
    world.isolate(1, false);
    world.run(100 * MS);
    assert_eq!(world.master(), Some(2));
    assert_eq!(world.role(1), Some(Role::Slave));
}

#[test]
fn a_master_that_hears_nobody_releases_so_that_nobody_waits_for_the_grants_it_still_gathers() {
    let mut world = World::settled(&[1, 2, 3], 7);
    for from in [2, 3] {
        world.links(from, 1, false);
    }
    let outage = outage_after_losing(&mut world, 1);
    assert_eq!(world.master(), Some(2));
    // From the cut to the lease's end, then a vote: not two grants.
    assert!(outage < PROMISED, "{} us", outage / US);
}

#[test]
fn a_master_whose_probes_reach_nobody_is_followed_within_a_lease() {
    let mut world = World::settled(&[1, 2, 3], 8);
    for to in [2, 3] {
        world.links(1, to, false);
    }
    let outage = outage_after_losing(&mut world, 1);
    assert!(outage < PROMISED, "{} us", outage / US);
}

#[test]
fn a_switchover_takes_at_most_2_ms_and_goes_where_it_was_sent() {
    for target in [2, 3] {
        let mut world = World::settled(&[1, 2, 3], 9);
        let before = world.epoch();
        world.order(1, Order::Switchover(Some(target)));
        world
            .run_until(20 * MS, |world| world.master().is_none())
            .expect("the gate shuts first");
        let outage = outage_after_losing(&mut world, 1);
        assert!(outage <= 2 * MS, "{} us", outage / US);
        assert_eq!(world.master(), Some(target));
        assert!(world.epoch() > before);
        assert_eq!(world.machine(1).answers, [Ok(OrderDone::HandedTo(target))]);
        assert_eq!(last_reason(&world, 1), Reason::Switchover(target));
        world.run(300 * MS);
        assert_eq!(world.master(), Some(target), "nobody takes it back");
    }
}

#[test]
fn a_switchover_is_refused_to_who_could_not_take_over() {
    let mut world = World::settled(&[1, 2, 3], 10);
    world.power_off(2);
    world.run(300 * MS);
    for (slot, target) in [(1, Some(2)), (1, Some(9)), (1, Some(1)), (3, None)] {
        world.order(slot, Order::Switchover(target));
    }
    world.run(20 * MS);
    let of_master = &world.machine(1).answers;
    assert_eq!(of_master[0], Err(OrderError::Unwell(2, Diagnosis::Down)));
    assert_eq!(of_master[1], Err(OrderError::NotAMember(9)));
    assert_eq!(of_master[2], Err(OrderError::AlreadyMaster));
    assert_eq!(
        world.machine(3).answers,
        [Err(OrderError::NotMaster { master: Some(1) })]
    );
    assert_eq!(world.master(), Some(1));
}

#[test]
fn a_switchover_to_a_target_that_dies_leaves_a_master_and_the_released_epoch_is_over() {
    let mut world = World::settled(&[1, 2, 3], 11);
    let before = world.epoch();
    world.order(1, Order::Switchover(Some(2)));
    world
        .run_until(20 * MS, |world| world.master().is_none())
        .expect("the gate shuts first");
    world.power_off(2);
    let outage = outage_after_losing(&mut world, 2);
    assert!(outage < 2 * L, "{} us", outage / US);
    assert!(world.epoch() > before);
}

#[test]
fn a_restarted_slave_daemon_changes_nothing() {
    let mut world = World::settled(&[1, 2, 3], 12);
    let before = world.epoch();
    world.kill(2);
    world.run(30 * MS);
    world.start(2, Maps::Kept);
    world.run(300 * MS);
    assert_eq!((world.master(), world.epoch()), (Some(1), before));
    assert_eq!(world.role(2), Some(Role::Slave));
}

#[test]
fn a_dead_slave_daemon_whose_kernel_answers_keeps_granting_and_is_said_to_be_stalled() {
    let mut world = World::settled(&[1, 2, 3], 13);
    let before = world.epoch();
    world.kill(2);
    world.power_off(3);
    world.run(1_000 * MS);
    assert_eq!((world.master(), world.epoch()), (Some(1), before));
    let members = world.snapshot(1).members;
    assert_eq!(members[1].diagnosis, Diagnosis::DaemonStalled);
    assert_eq!(members[1].healthy, Some(true));
    assert_eq!(members[2].diagnosis, Diagnosis::Down);
    assert_eq!(world.snapshot(1).successor, None, "neither could follow");
}

#[test]
fn a_restarted_master_daemon_takes_its_lease_up_again() {
    let mut world = World::settled(&[1, 2, 3], 14);
    let before = world.epoch();
    world.kill(1);
    // What is left of the lease must hold one period, until the replies to its first probe are read.
    world.run(5 * MS);
    world.start(1, Maps::Kept);
    assert_eq!(world.master(), Some(1));
    assert_eq!(last_reason(&world, 1), Reason::LeaseTakenUp);
    world.run(500 * MS);
    assert_eq!((world.master(), world.epoch()), (Some(1), before));
}

#[test]
fn a_master_daemon_restarted_after_its_lease_or_without_its_maps_makes_the_machine_safe_first() {
    for (pause, maps) in [(45 * MS, Maps::Kept), (15 * MS, Maps::Lost)] {
        let mut world = World::settled(&[1, 2, 3], 15);
        world.kill(1);
        world.run(pause);
        world.start(1, maps);
        assert!(!world.machine(1).has_addresses);
        assert_eq!(world.role(1), Some(Role::Init));
        let outage = outage_after_losing(&mut world, 1);
        assert!(pause + outage < PROMISED, "{} us", outage / US);
        world.run(500 * MS);
        assert_eq!(world.role(1), Some(Role::Slave));
    }
}

#[test]
fn one_of_three_serves_nothing_alone_and_two_serve_again() {
    let mut world = World::settled(&[1, 2, 3], 16);
    world.power_off(2);
    world.power_off(3);
    world
        .run_until(100 * MS, |world| world.master().is_none())
        .expect("no majority, no lease");
    world.run(5_000 * MS);
    assert_eq!(world.master(), None);
    world.start(3, Maps::Lost);
    // Its abstention, then at most one pause of a candidate that asked for long.
    let took = world.run_until(1_000 * MS, |world| world.master().is_some());
    assert!(took.expect("a master") < 240 * MS + L + 5 * MS, "{took:?}");
}

#[test]
fn two_nodes_and_a_witness_survive_any_single_loss_and_the_witness_never_serves() {
    for lost in [1, 2, 3] {
        let clock = |_| Clock::new(1_000 * MS, TRUE_RATE, true);
        let mut world = World::with_clocks(&[1, 2, 3], &[3], 17, clock);
        world.start_all();
        world.run(600 * MS);
        assert_eq!(world.role(3), Some(Role::Witness));
        world.power_off(lost);
        world.run(500 * MS);
        assert_eq!(world.master(), Some(if lost == 1 { 2 } else { 1 }));
        assert!(world.machine(3).taken.is_empty());
    }
}

#[test]
fn of_five_nodes_two_may_die_at_once_and_the_next_in_line_serves() {
    let mut world = World::settled(&[1, 2, 3, 4, 5], 18);
    world.power_off(1);
    world.power_off(2);
    let outage = outage_after_losing(&mut world, 1);
    assert_eq!(world.master(), Some(3));
    // The successor is dead too: the next waits for one rank more.
    assert!(outage < PROMISED + 20 * MS, "{} us", outage / US);
}

#[test]
fn a_master_put_into_maintenance_hands_over_and_does_not_stand_again() {
    let mut world = World::settled(&[1, 2, 3], 19);
    world.order(1, Order::Maintenance(true));
    world.run(100 * MS);
    assert_eq!(world.master(), Some(2));
    assert_eq!(world.machine(1).answers, [Ok(OrderDone::MaintenanceOn)]);
    world.power_off(2);
    world.run(500 * MS);
    assert_eq!(world.master(), Some(3));
    assert_eq!(world.role(1), Some(Role::Slave));
    world.order(1, Order::Maintenance(false));
    world.run(200 * MS);
    world.order(3, Order::Switchover(None));
    world.run(100 * MS);
    assert_eq!(world.master(), Some(1));
}

#[test]
fn a_master_without_anybody_to_hand_over_to_stays_out_of_maintenance() {
    let mut world = World::settled(&[1, 2, 3], 20);
    for slot in [2, 3] {
        world.order(slot, Order::Maintenance(true));
    }
    world.run(100 * MS);
    world.order(1, Order::Maintenance(true));
    world.run(100 * MS);
    assert_eq!(world.machine(1).answers, [Err(OrderError::NoTarget)]);
    assert_eq!(world.master(), Some(1));
}

#[test]
fn a_stopped_master_hands_over_in_order_and_exits() {
    let mut world = World::settled(&[1, 2, 3], 21);
    world.order(1, Order::Stop);
    world
        .run_until(20 * MS, |world| world.master().is_none())
        .expect("the gate shuts first");
    let outage = outage_after_losing(&mut world, 1);
    assert!(outage <= 2 * MS, "{} us", outage / US);
    assert!(world.machine(1).has_exited);
    assert_eq!(world.machine(1).answers, [Ok(OrderDone::HandedTo(2))]);
}

#[test]
fn without_preemption_a_lower_slot_that_comes_back_stays_a_slave() {
    let mut world = World::settled(&[1, 2, 3], 22);
    world.power_off(1);
    world.run(500 * MS);
    world.start(1, Maps::Lost);
    world.run(5_000 * MS);
    assert_eq!(world.master(), Some(2));
    assert_eq!(world.role(1), Some(Role::Slave));
}

#[test]
fn with_preemption_a_lower_slot_takes_mastership_back_after_the_delay() {
    let mut world = World::new(&[1, 2, 3], 23);
    for slot in [1, 2, 3] {
        world.machine_mut(slot).config.preempt_after = Some(Duration::from_secs(2));
    }
    world.start_all();
    world.run(600 * MS);
    world.power_off(1);
    world.run(500 * MS);
    world.start(1, Maps::Lost);
    world.run(1_900 * MS);
    assert_eq!(world.master(), Some(2));
    world.run(700 * MS);
    assert_eq!(world.master(), Some(1));
    assert_eq!(last_reason(&world, 2), Reason::Switchover(1));
}

#[test]
fn a_member_without_its_management_link_is_told_from_a_dead_one_and_every_node_says_so() {
    let mut world = World::settled(&[1, 2, 3, 4, 5], 24);
    world.isolate_on(3, Network::Management, true);
    world.power_off(4);
    world.run(500 * MS);
    for slot in [1, 2, 5] {
        let members = world.snapshot(slot).members;
        assert_eq!(
            members[2].diagnosis,
            Diagnosis::ManagementFault,
            "as slot {slot} sees it"
        );
        assert_eq!(
            members[3].diagnosis,
            Diagnosis::Down,
            "as slot {slot} sees it"
        );
        assert_eq!(
            (members[2].healthy, members[3].healthy),
            (Some(false), Some(false))
        );
    }
    world.isolate(3, false);
    world.run(2 * L);
    for slot in [1, 2, 3] {
        assert_eq!(
            world.snapshot(slot).members[2].diagnosis,
            Diagnosis::Healthy,
            "as slot {slot} sees it"
        );
    }
}
