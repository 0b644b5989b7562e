//! Two networks that fail independently: the business network stands in while the management network fails.

use std::collections::BTreeSet;

use heartbeat_core::Slot;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Alarm, Diagnosis, Reason, Role};
use heartbeat_wire::frame::Kind;

use heartbeat_sim::world::{CALM, MS, US, Weather, World};

const ALL: [Slot; 3] = [1, 2, 3];
const BOTH: [Network; 2] = [Network::Management, Network::Business];

/// What must hold whatever one network alone does to a cluster whose master is slot 1.
struct Undisturbed {
    world: World,
    changes: usize,
    epoch: heartbeat_core::Epoch,
}

impl Undisturbed {
    fn new(seed: u64) -> Self {
        let world = World::settled(&ALL, seed);
        Self {
            changes: role_changes(&world),
            epoch: world.epoch(),
            world,
        }
    }

    /// Runs on, looking every millisecond: slot 1 serves all the time.
    fn serves(&mut self, ms: u64) {
        for _ in 0..ms {
            self.world.run(MS);
            assert_eq!(self.world.master(), Some(1), "at {} us", self.world.at / US);
        }
        assert_eq!(self.world.epoch(), self.epoch);
        assert_eq!(role_changes(&self.world), self.changes);
    }

    fn is_degraded_everywhere(&self, expected: bool) {
        for slot in ALL {
            assert_eq!(
                self.world.snapshot(slot).degraded,
                expected,
                "as slot {slot} sees it"
            );
        }
        let alarm = self.world.snapshot(1).alarms.contains(&Alarm::Degraded);
        assert_eq!(alarm, expected);
    }

    fn is_well_everywhere(&self) {
        self.is_degraded_everywhere(false);
        for slot in ALL {
            for member in self.world.snapshot(slot).members {
                assert_eq!(
                    member.diagnosis,
                    Diagnosis::Healthy,
                    "as slot {slot} sees it"
                );
            }
        }
    }
}

fn role_changes(world: &World) -> usize {
    world
        .machines
        .values()
        .map(|machine| machine.changes.len())
        .sum()
}

fn degraded_alarms(world: &World) -> usize {
    let alarms = &world.machine(1).alarms;
    alarms
        .iter()
        .filter(|(alarm, _)| *alarm == Alarm::Degraded)
        .count()
}

#[test]
fn a_management_switch_that_reboots_moves_nothing_and_every_node_says_degraded_meanwhile() {
    let mut cluster = Undisturbed::new(301);
    cluster.world.switch(Network::Management, false);
    cluster.serves(100);
    cluster.is_degraded_everywhere(true);
    cluster.serves(10_000);
    cluster.is_degraded_everywhere(true);
    for (by, of) in [(1, 2), (1, 3), (2, 3), (3, 2_usize)] {
        let members = cluster.world.snapshot(by).members;
        let found = members[of - 1].diagnosis;
        assert_eq!(
            found,
            Diagnosis::ManagementFault,
            "slot {of} as slot {by} sees it"
        );
    }
    cluster.world.switch(Network::Management, true);
    cluster.serves(100);
    cluster.is_well_everywhere();
    assert_eq!(
        degraded_alarms(&cluster.world),
        2,
        "raised once, cleared once"
    );
}

#[test]
fn each_one_way_cut_of_one_network_moves_nothing() {
    for network in BOTH {
        for slot in ALL {
            for outwards in [true, false] {
                let mut cluster = Undisturbed::new(302);
                let others: Vec<_> = ALL.into_iter().filter(|other| *other != slot).collect();
                for other in others {
                    let (from, to) = if outwards {
                        (slot, other)
                    } else {
                        (other, slot)
                    };
                    cluster.world.link(from, to, network, false);
                }
                for _ in 0..500 {
                    cluster.world.run(MS);
                    assert_eq!(
                        cluster.world.master(),
                        Some(1),
                        "{network:?} of slot {slot}, outwards {outwards}"
                    );
                }
                assert_eq!(cluster.world.epoch(), cluster.epoch);
                let is_masters = slot == 1 && network == Network::Management;
                assert_eq!(cluster.world.snapshot(1).degraded, is_masters);
                cluster.world.heal();
                cluster.world.run(200 * MS);
                assert_eq!(cluster.world.epoch(), cluster.epoch);
                cluster.is_well_everywhere();
            }
        }
    }
}

#[test]
fn slaves_that_hear_by_one_network_and_answer_by_the_other_keep_their_master() {
    let mut cluster = Undisturbed::new(303);
    for from in [2, 3] {
        cluster.world.link(from, 1, Network::Management, false);
    }
    for to in [2, 3] {
        cluster.world.link(to, 5 - to, Network::Business, false);
    }
    cluster.serves(2_000);
    cluster.is_degraded_everywhere(true);
}

#[test]
fn a_master_cut_off_on_both_networks_gives_way_within_a_lease_also_when_one_failed_before() {
    for first in BOTH {
        let mut world = World::settled(&ALL, 304);
        world.isolate_on(1, first, true);
        world.run(500 * MS);
        assert_eq!(world.master(), Some(1));
        world.isolate(1, true);
        let serves = |world: &World| world.master().is_some_and(|master| master != 1);
        let took = world.run_until(1_000 * MS, serves).expect("a new master");
        assert!(took < 55 * MS, "{} us", took / US);
        let last = world.machine(1).changes.last().expect("a change");
        assert_eq!(last.reason, Reason::MajorityLost);
    }
}

#[test]
fn with_both_switches_off_nobody_serves_and_somebody_does_when_either_network_is_back() {
    for back in BOTH {
        let mut world = World::settled(&ALL, 305);
        BOTH.into_iter()
            .for_each(|network| world.switch(network, false));
        world.run(60 * MS);
        for _ in 0..500 {
            world.run(MS);
            assert_eq!(world.master(), None);
        }
        world.switch(back, true);
        let took = world.run_until(200 * MS, |world| world.master().is_some());
        assert!(took.is_some(), "{back:?} is back");
        let epoch = world.epoch();
        world.run(1_000 * MS);
        assert_eq!(world.epoch(), epoch, "and it serves on");
    }
}

#[test]
fn a_master_that_died_while_degraded_is_followed_over_the_business_network() {
    let mut world = World::settled(&ALL, 306);
    world.switch(Network::Management, false);
    world.run(300 * MS);
    world.power_off(1);
    let took = world
        .run_until(200 * MS, |world| world.master() == Some(2))
        .expect("a new master");
    // One grant, and the election; nobody is named to follow, so slot 2 goes first by its number.
    assert!(took < 60 * MS, "{} us", took / US);
    let epoch = world.epoch();
    world.run(1_000 * MS);
    assert_eq!(world.epoch(), epoch, "it serves on");
    assert!(world.snapshot(3).degraded);
    world.switch(Network::Management, true);
    world.run(1_000 * MS);
    assert_eq!(world.epoch(), epoch, "and when the switch is back");
    assert!(!world.snapshot(3).degraded);
}

#[test]
fn who_is_cut_off_from_the_management_network_alone_asks_and_disturbs_nobody() {
    let mut cluster = Undisturbed::new(314);
    cluster.world.isolate_on(3, Network::Management, true);
    cluster.world.run(200 * MS);
    assert_eq!(cluster.world.snapshot(3).role, Role::Candidate);
    for _ in 0..2_000 {
        cluster.world.run(MS);
        assert_eq!(cluster.world.master(), Some(1));
    }
    assert_eq!(cluster.world.epoch(), cluster.epoch);
    cluster.world.power_off(1);
    let serves = |world: &World| world.master().is_some_and(|master| master != 1);
    let took = cluster.world.run_until(200 * MS, serves);
    assert!(
        took.is_some(),
        "the two that are left elect one over the business network"
    );
    let epoch = cluster.world.epoch();
    cluster.world.run(1_000 * MS);
    assert_eq!(cluster.world.epoch(), epoch);
}

#[test]
fn a_stop_of_a_degraded_masters_daemon_reaches_the_slaves_by_the_business_network() {
    let mut world = World::settled(&ALL, 307);
    world.isolate_on(1, Network::Management, true);
    world.run(300 * MS);
    world.order(1, heartbeat_core::event::Order::Stop);
    let took = world
        .run_until(100 * MS, |world| world.master() == Some(2))
        .expect("a new master");
    assert!(took < 10 * MS, "{} us: not a whole grant", took / US);
}

#[test]
fn a_management_network_that_is_slow_is_not_degraded_and_is_seen_to_be_back() {
    let mut cluster = Undisturbed::new(308);
    // Half a period there and half a period back; the business network overtakes it.
    cluster.world.lag.insert(Network::Management, 4_500 * US);
    cluster.serves(1_000);
    assert_eq!(degraded_alarms(&cluster.world), 0);
    cluster.world.switch(Network::Management, false);
    cluster.serves(300);
    cluster.is_degraded_everywhere(true);
    cluster.world.switch(Network::Management, true);
    cluster.serves(1_000);
    cluster.is_degraded_everywhere(false);
}

#[test]
fn a_flapping_link_flaps_neither_mastership_nor_the_display() {
    for (slot, up, down) in [
        (1, 60, 60),
        (1, 400, 100),
        (1, 1_000, 1_000),
        (3, 60, 60),
        (3, 1_000, 300),
    ] {
        let mut world = World::settled(&ALL, 309);
        let alarms: usize = world.machine(1).alarms.len();
        for _ in 0..20 {
            world.isolate_on(slot, Network::Management, true);
            world.run(down * MS);
            world.isolate_on(slot, Network::Management, false);
            world.run(up * MS);
            assert_eq!(
                world.master(),
                Some(1),
                "slot {slot}, {up} ms up, {down} ms down"
            );
        }
        assert!(world.machine(1).taken.len() == 1);
        let told = world.machine(1).alarms.len() - alarms;
        // At most four times missing, and three times back: the slave; or the network and both slaves, and
        // once its control port.
        let most = if slot == 1 { 3 * 7 + 2 } else { 7 };
        assert!(
            told <= most,
            "slot {slot}, {up} ms up, {down} ms down: {told} alarms were told"
        );
        world.run(6_000 * MS);
        assert!(
            world.snapshot(1).alarms.is_empty(),
            "{:?}",
            world.snapshot(1).alarms
        );
    }
}

#[test]
fn multicast_that_is_lost_while_everything_else_passes_moves_nothing() {
    let mut cluster = Undisturbed::new(310);
    cluster
        .world
        .lost_kinds_on
        .insert((Network::Management, Kind::Probe as u8));
    cluster
        .world
        .lost_kinds_on
        .insert((Network::Management, Kind::Query as u8));
    cluster.serves(2_000);
    cluster.is_degraded_everywhere(true);
    cluster.world.heal();
    cluster.serves(200);
    cluster.is_well_everywhere();
}

#[test]
fn a_tenth_of_everything_lost_on_both_networks_moves_nothing_and_half_never_makes_two_masters() {
    let mut cluster = Undisturbed::new(311);
    for loss in [10, 100] {
        cluster.world.weather = Weather { loss, ..CALM };
        cluster.serves(10_000);
    }
    cluster.world.weather = Weather { loss: 500, ..CALM };
    // Two masters would end this run.
    cluster.world.run(20_000 * MS);
    cluster.world.weather = CALM;
    let took = cluster
        .world
        .run_until(7_000 * MS, |world| world.master().is_some());
    assert!(took.is_some());
}

#[test]
fn a_grant_over_the_business_network_binds_the_slave_that_gave_it() {
    let mut world = World::settled(&ALL, 312);
    world.switch(Network::Management, false);
    world.run(500 * MS);
    // The slaves hear each other again, the master by the business network only: they follow it.
    for (from, to) in [(2, 3), (3, 2)] {
        world.link(from, to, Network::Management, true);
    }
    let before = world.epoch();
    for _ in 0..1_000 {
        world.run(MS);
        assert_eq!((world.master(), world.epoch()), (Some(1), before));
    }
    let roles: BTreeSet<_> = [2, 3].map(|slot| world.role(slot).map(Role::as_str)).into();
    assert_eq!(roles, BTreeSet::from([Some("slave")]));
}

#[test]
fn a_management_switch_that_is_gone_for_a_minute_moves_nothing() {
    for slots in [&ALL[..], &[1, 2, 3, 4, 5]] {
        let mut world = World::settled(slots, 313);
        let (epoch, changes) = (world.epoch(), role_changes(&world));
        world.switch(Network::Management, false);
        for _ in 0..60_000 {
            world.run(MS);
            assert_eq!(world.master(), Some(1), "at {} us", world.at / US);
        }
        assert_eq!((world.epoch(), role_changes(&world)), (epoch, changes));
        world.switch(Network::Management, true);
        world.run(200 * MS);
        assert_eq!((world.epoch(), role_changes(&world)), (epoch, changes));
    }
}
