//! Changes of the electors: one at a time, whatever fails in the middle.

use std::time::Duration;

use proptest::prelude::*;

use heartbeat_core::event::Order;
use heartbeat_core::order::{OrderDone, OrderError};
use heartbeat_core::snapshot::{Alarm, Role};
use heartbeat_core::{ElectorRecord, ElectorSet, Slot, Slots};

use super::properties::{
    FAULTS, Fault, MOST_PAUSE_MS, a_cluster, a_fault, agrees, befall, config, heal, story,
};
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{MS, World};

/// A set as an operator proposes it.
fn electors(slots: &[Slot], max_lease_ms: u64) -> ElectorSet {
    ElectorSet {
        version: 0,
        slots: Slots::new(slots.iter().copied()).expect("few"),
        max_lease: Duration::from_millis(max_lease_ms),
    }
}

/// Five members, the first `electors` of them electors, after their first election.
fn settled(electors: &[Slot], seed: u64) -> World {
    let mut world = World::new(&[1, 2, 3, 4, 5], seed);
    for slot in world.slots().iter().copied() {
        world.machine_mut(slot).propose(electors);
    }
    world.start_all();
    world.run(2_500 * MS);
    assert_eq!(world.master(), Some(1));
    assert!(are_at_one(&world), "{}", records(&world));
    world
}

/// Whether every node goes by the same set, which nobody doubts, and no step is open.
fn are_at_one(world: &World) -> bool {
    let first = world.machine(world.slots()[0]).record.in_force;
    world.machines.values().all(|machine| {
        let record = &machine.record;
        record.in_force == first && !record.is_proposed && record.accepted.is_none()
    })
}

fn records(world: &World) -> String {
    let machines = world.machines.values();
    machines
        .map(|machine| format!("slot {}: {:?}\n", machine.slot, machine.record))
        .collect()
}

fn order(world: &mut World, target: ElectorSet) {
    let master = world.master().expect("a master");
    world.order(master, Order::Electors(target));
}

/// Whether `target` is in force on every node.
fn is_in_force(target: ElectorSet) -> impl Fn(&World) -> bool {
    move |world| are_at_one(world) && world.machine(1).record.in_force.is_like(&target)
}

/// Runs until `target` is in force everywhere, looking each tenth of a millisecond whether slot 1 serves.
fn change_under_service(world: &mut World, target: ElectorSet) {
    order(world, target);
    let end = world.at + 3_000 * MS;
    while !is_in_force(target)(world) {
        world.run(MS / 10);
        assert_eq!(world.master(), Some(1), "{}", story(world));
        assert!(world.at < end, "{}", records(world));
    }
}

#[test]
fn three_electors_become_five_and_three_again_without_an_outage() {
    let mut world = settled(&[1, 2, 3], 501);
    for target in [
        electors(&[1, 2, 3, 4], 200),
        electors(&[1, 2, 3, 4, 5], 200),
        electors(&[1, 4, 5], 200),
        electors(&[1, 2, 3], 300),
        electors(&[1, 2, 3], 60),
    ] {
        change_under_service(&mut world, target);
    }
    // Each way has its steps: one, one, two, four and a longer lease, a shorter one.
    assert_eq!(
        world.machine(5).record.in_force.version,
        1 + 1 + 1 + 2 + 5 + 1
    );
    assert_eq!(world.machine(1).changes.len(), 2, "candidate, then master");
    assert_eq!(
        world.machine(2).record.longest_lease,
        Duration::from_millis(300)
    );
}

#[test]
fn the_majority_is_that_of_the_new_set_as_soon_as_it_is_in_force() {
    let mut world = settled(&[1, 2, 3], 502);
    change_under_service(&mut world, electors(&[1, 2, 3, 4, 5], 200));
    world.power_off(1);
    world.power_off(2);
    let took = world.run_until(1_000 * MS, |world| world.master() == Some(3));
    assert!(took.is_some(), "three of five: {}", story(&world));
    world.power_off(3);
    world.run(300 * MS);
    assert_eq!(world.master(), None, "two of five");
    assert!(world.machine(4).kernel.config.is_elector == 1);
}

/// Two masters, because slot 3 and two new ones were given another set by hand, as a reload of the
/// configuration file would have done it.
#[test]
fn a_set_that_is_put_in_force_by_hand_makes_two_masters() {
    let mut world = settled(&[1, 2, 3], 503);
    for slot in [3, 4, 5] {
        let machine = world.machine_mut(slot);
        let by_hand = ElectorSet {
            version: 2,
            ..electors(&[1, 2, 3, 4, 5], 200)
        };
        machine.record = ElectorRecord {
            is_proposed: false,
            ..ElectorRecord::proposed(by_hand)
        };
        world.start(slot, Maps::Kept);
        for other in [1, 2] {
            let network = heartbeat_core::message::Network::Management;
            world.link(slot, other, network, false);
            world.link(other, slot, network, false);
        }
    }
    assert!(world.run_into_violation(2_000 * MS));
}

#[test]
fn electors_that_forget_which_set_is_in_force_make_two_masters() {
    for forgets in [false, true] {
        let mut world = settled(&[1, 2, 3], 504);
        let first = world.machine(2).record;
        change_under_service(&mut world, electors(&[1, 2, 3, 4, 5], 200));
        for slot in [2, 3] {
            if forgets {
                world.machine_mut(slot).record = first;
            }
            world.start(slot, Maps::Lost);
            for other in [1, 4, 5] {
                let network = heartbeat_core::message::Network::Management;
                world.link(slot, other, network, false);
                world.link(other, slot, network, false);
            }
        }
        assert_eq!(world.run_into_violation(2_000 * MS), forgets);
    }
}

#[test]
fn a_master_that_is_lost_at_any_time_of_a_change_leaves_one_that_can_be_finished() {
    for after in 0..60 {
        for (how, kept) in [(0, true), (1, true), (2, false)] {
            let mut world = settled(&[1, 2, 3], 505 + after);
            order(&mut world, electors(&[1, 2, 3, 4, 5], 200));
            world.run(after * MS / 2);
            match how {
                0 => world.kill(1),
                1 => world.isolate(1, true),
                _ => world.power_off(1),
            }
            let took = world.run_until(1_000 * MS, |world| {
                world.master().is_some_and(|master| master != 1)
            });
            assert!(
                took.is_some(),
                "{after}: {}{}",
                story(&world),
                records(&world)
            );
            world.heal();
            if how != 1 {
                world.start(1, if kept { Maps::Kept } else { Maps::Lost });
            }
            let took = world.run_until(5_000 * MS, |world| are_at_one(world) && agrees(world));
            assert!(
                took.is_some(),
                "{after}: {}{}",
                story(&world),
                records(&world)
            );
            let target = electors(&[1, 2, 3, 4, 5], 200);
            order(&mut world, target);
            let took = world.run_until(3_000 * MS, is_in_force(target));
            assert!(took.is_some(), "{after}: {}", records(&world));
        }
    }
}

#[test]
fn a_master_whose_daemon_starts_again_in_the_middle_goes_on_with_its_lease() {
    for after in 0..60 {
        let mut world = settled(&[1, 2, 3], 605 + after);
        order(&mut world, electors(&[1, 2, 3, 4, 5], 200));
        world.run(after * MS / 2);
        let epoch = world.epoch();
        world.start(1, Maps::Kept);
        let took = world.run_until(3_000 * MS, |world| are_at_one(world) && agrees(world));
        assert!(
            took.is_some(),
            "{after}: {}{}",
            story(&world),
            records(&world)
        );
        assert_eq!(world.epoch(), epoch, "{}", story(&world));
    }
}

#[test]
fn a_node_that_was_away_during_a_change_takes_over_the_set_when_it_returns() {
    let mut world = settled(&[1, 2, 3], 506);
    world.isolate(3, true);
    world.run(500 * MS);
    order(&mut world, electors(&[1, 2, 3, 4, 5], 200));
    world.run(1_000 * MS);
    let away = world.machine(3).record.in_force.version;
    assert_eq!((away, world.machine(2).record.in_force.version), (1, 3));
    world.isolate(3, false);
    let took = world.run_until(3_000 * MS, |world| are_at_one(world) && agrees(world));
    assert!(took.is_some(), "{}", records(&world));
    assert_eq!(
        (world.master(), world.machine(1).changes.len()),
        (Some(1), 2)
    );
}

#[test]
fn a_new_machine_takes_over_the_set_in_force_whatever_its_file_proposes() {
    let mut world = settled(&[1, 2, 3], 507);
    world.power_off(4);
    world.machine_mut(4).propose(&[1, 2, 3, 4]);
    world.start(4, Maps::Lost);
    let took = world.run_until(3_000 * MS, are_at_one);
    assert!(took.is_some(), "{}", records(&world));
    assert_eq!(world.machine(4).record.in_force.slots.as_slice(), [1, 2, 3]);
}

#[test]
fn a_change_that_would_lose_a_majority_is_refused_before_anything_is_sent() {
    let mut world = settled(&[1, 2, 3], 508);
    world.power_off(3);
    world.run(500 * MS);
    let missing = |slots: [Slot; 1]| OrderError::ElectorsMissing(Slots::new(slots).expect("one"));
    let cases = [
        // Slots 1 and 2 are no majority of 1 to 4, on the way there.
        (electors(&[1, 3], 200), Err(missing([3]))),
        (electors(&[2, 3, 4], 200), Err(OrderError::RemovesMaster)),
        (electors(&[1, 2, 9], 200), Err(OrderError::NotAMember(9))),
        (electors(&[1, 2, 3], 49), Err(OrderError::LeaseTooLong)),
    ];
    for (target, expected) in cases {
        order(&mut world, target);
        world.run(50 * MS);
        let answer = world.machine_mut(1).answers.pop().expect("an answer");
        assert_eq!(answer.map(|_| ()), expected, "{target:?}");
        assert!(
            world
                .machines
                .values()
                .all(|machine| machine.record.promised.0 == 0)
        );
    }
    order(&mut world, electors(&[1, 2, 3], 200));
    world.run(50 * MS);
    let answer = world.machine_mut(1).answers.pop();
    assert_eq!(answer, Some(Ok(OrderDone::ElectorsInForce)));
    world.order(2, Order::Electors(electors(&[1, 2, 3, 4], 200)));
    world.run(50 * MS);
    let answer = world.machine_mut(2).answers.pop();
    assert_eq!(answer, Some(Err(OrderError::NotMaster { master: Some(1) })));
    // The witness of it all: with enough of them the same change goes through.
    order(&mut world, electors(&[1, 2, 4], 200));
    let took = world.run_until(3_000 * MS, |world| {
        world.machine(1).record.in_force.slots.as_slice() == [1, 2, 4]
    });
    assert!(took.is_some(), "{}", records(&world));
}

#[test]
fn a_step_that_loses_its_majority_in_the_middle_waits_with_an_alarm_and_the_master_stays() {
    let mut world = settled(&[1, 2, 3], 509);
    order(&mut world, electors(&[1, 2, 3, 4], 200));
    // Nothing of it has left yet, and nobody is missed yet.
    world.run(MS / 10);
    for slot in [3, 4] {
        world.isolate(slot, true);
    }
    world.run(7_000 * MS);
    assert_eq!(world.master(), Some(1), "{}", story(&world));
    let is_open = world.machine(2).record.in_force.version == 1;
    assert!(is_open, "two of four agreed: {}", records(&world));
    assert!(world.snapshot(1).alarms.contains(&Alarm::ElectorsChange));
    let change = world.snapshot(1).electors.change.expect("a change");
    assert!(change.missing.contains(4), "{change:?}");
    world.isolate(4, false);
    let took = world.run_until(3_000 * MS, |world| {
        world.machine(1).record.in_force.version == 2
    });
    assert!(took.is_some(), "{}", records(&world));
    world.run(100 * MS);
    assert!(!world.snapshot(1).alarms.contains(&Alarm::ElectorsChange));
}

#[test]
fn a_removed_elector_follows_and_never_stands() {
    let mut world = settled(&[1, 2, 3, 4], 510);
    change_under_service(&mut world, electors(&[1, 2, 3], 200));
    world.power_off(1);
    world.run(1_000 * MS);
    assert_eq!(
        (world.master(), world.role(4)),
        (Some(2), Some(Role::Slave))
    );
    let stood = world
        .machine(4)
        .changes
        .iter()
        .any(|change| change.to == Role::Candidate);
    assert!(!stood, "{}", story(&world));
}

fn a_target() -> impl Strategy<Value = ElectorSet> {
    (1_u16..32, prop_oneof![Just(60_u64), Just(200), Just(400)]).prop_map(|(bits, ms)| {
        let slots: Vec<Slot> = (1..=5).filter(|slot| bits >> (slot - 1) & 1 == 1).collect();
        electors(&slots, ms)
    })
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Fault(Fault),
    Change(ElectorSet),
}

fn a_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        a_fault().prop_map(Happening::Fault),
        a_target().prop_map(Happening::Change),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_during_changes_there_are_never_two_masters_and_one_set_when_it_is_over(
        first in prop_oneof![Just(vec![1, 2, 3]), Just(vec![1, 2, 3, 4]), Just(vec![1, 2, 3, 4, 5])],
        spread in 0..=10_u64,
        seed in any::<u64>(),
        slow_disk_ms in 1..40_u64,
        happenings in proptest::collection::vec((0..MOST_PAUSE_MS, a_happening()), FAULTS),
    ) {
        let mut world = a_cluster(5, spread, seed);
        for slot in world.slots().iter().copied() {
            world.machine_mut(slot).propose(&first);
            world.machine_mut(slot).slow_disk = slow_disk_ms * MS;
        }
        world.start_all();
        world.run(2_500 * MS);
        prop_assert!(world.master().is_some(), "a first master");
        for (pause_ms, happening) in happenings {
            world.run(pause_ms * MS);
            match happening {
                Happening::Fault(fault) => befall(&mut world, fault),
                Happening::Change(target) => {
                    for slot in world.slots().iter().copied() {
                        world.order(slot, Order::Electors(target));
                    }
                }
            }
        }
        world.run(200 * MS);
        heal(&mut world);
        let took = world.run_until(20_000 * MS, |world| are_at_one(world) && agrees(world));
        prop_assert!(took.is_some(), "{}{}", story(&world), records(&world));
        prop_assert!(world.watch.served > 0);
    }
}
