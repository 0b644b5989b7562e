//! Random faults in random order: what must always hold does, and when the faults end there is a master
//! that every node agrees on.

use proptest::prelude::*;

use heartbeat_core::Slot;
use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::{Diagnosis, MemberSnapshot, Role};

use heartbeat_sim::clock::Clock;
use heartbeat_sim::machine::Maps;
use heartbeat_sim::world::{CALM, MS, US, Weather, World};

/// Faults of one run.
pub(crate) const FAULTS: std::ops::Range<usize> = 1..12;
/// Longest pause between two of them, in milliseconds: about three leases.
pub(crate) const MOST_PAUSE_MS: u64 = 150;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Kill(usize),
    PowerOff(usize),
    Start(usize, bool),
    Freeze(usize, u64),
    Isolate(usize),
    Join(usize),
    Unplug(usize, Network),
    Switch(Network, bool),
    CutOneWay(usize, usize, Network),
    Mend(usize, usize, Network),
    Switchover(usize, usize),
    MakeRoom(usize),
    Maintenance(usize, bool),
    Storm(Weather),
    Calm,
}

pub(crate) fn a_fault() -> impl Strategy<Value = Fault> {
    let node = || 0..9_usize;
    let network = || prop_oneof![Just(Network::Management), Just(Network::Business)];
    let storm = (
        0..300_u64,
        0..300_u64,
        1..12_000_u64,
        0..30_000_u64,
        0..500_u64,
    )
        .prop_map(|(loss, doubled, delay, stall, stops)| Weather {
            loss,
            doubled,
            delay: (20 * US, 20 * US + delay * US),
            stall: stall * US,
            stops,
        });
    prop_oneof![
        2 => node().prop_map(Fault::Kill),
        2 => node().prop_map(Fault::PowerOff),
        6 => (node(), any::<bool>()).prop_map(|(node, kept)| Fault::Start(node, kept)),
        2 => (node(), 1..400_u64).prop_map(|(node, ms)| Fault::Freeze(node, ms)),
        3 => node().prop_map(Fault::Isolate),
        3 => node().prop_map(Fault::Join),
        3 => (node(), network()).prop_map(|(node, network)| Fault::Unplug(node, network)),
        3 => (network(), any::<bool>()).prop_map(|(network, is_on)| Fault::Switch(network, is_on)),
        5 => (node(), node(), network()).prop_map(|(from, to, network)| Fault::CutOneWay(from, to, network)),
        2 => (node(), node(), network()).prop_map(|(from, to, network)| Fault::Mend(from, to, network)),
        2 => (node(), node()).prop_map(|(from, to)| Fault::Switchover(from, to)),
        2 => node().prop_map(Fault::MakeRoom),
        1 => (node(), any::<bool>()).prop_map(|(node, on)| Fault::Maintenance(node, on)),
        3 => storm.prop_map(Fault::Storm),
        2 => Just(Fault::Calm),
    ]
}

pub(crate) fn befall(world: &mut World, fault: Fault) {
    let slots = world.slots();
    let slot = |index: usize| slots[index % slots.len()];
    match fault {
        Fault::Kill(node) => world.kill(slot(node)),
        Fault::PowerOff(node) => world.power_off(slot(node)),
        Fault::Start(node, kept) => restart(world, slot(node), kept),
        Fault::Freeze(node, ms) => world.freeze(slot(node), world.at + ms * MS),
        Fault::Isolate(node) => world.isolate(slot(node), true),
        Fault::Join(node) => world.isolate(slot(node), false),
        Fault::Unplug(node, network) => world.isolate_on(slot(node), network, true),
        Fault::Switch(network, is_on) => world.switch(network, is_on),
        Fault::CutOneWay(from, to, network) => world.link(slot(from), slot(to), network, false),
        Fault::Mend(from, to, network) => world.link(slot(from), slot(to), network, true),
        Fault::Switchover(from, to) => world.order(slot(from), Order::Switchover(Some(slot(to)))),
        Fault::MakeRoom(node) => world.order(slot(node), Order::Restart),
        Fault::Maintenance(node, on) => world.order(slot(node), Order::Maintenance(on)),
        Fault::Storm(weather) => world.weather = weather,
        Fault::Calm => world.weather = CALM,
    }
}

/// Starts a daemon anew; a machine that was off has lost its maps.
pub(crate) fn restart(world: &mut World, slot: Slot, kept: bool) {
    let maps = if kept && world.machine(slot).is_on {
        Maps::Kept
    } else {
        Maps::Lost
    };
    world.kill(slot);
    world.start(slot, maps);
}

/// Ends every fault.
pub(crate) fn heal(world: &mut World) {
    world.heal();
    for slot in world.slots().iter().copied() {
        if !world.machine(slot).is_on || world.machine(slot).node.is_none() {
            restart(world, slot, true);
        }
        world.order(slot, Order::Maintenance(false));
    }
}

/// A cluster whose clocks run up to `spread` percent apart from true time.
pub(crate) fn a_cluster(slots: usize, spread: u64, seed: u64) -> World {
    let slots: Vec<Slot> = (1..=slots)
        .map(|slot| Slot::try_from(slot).expect("few"))
        .collect();
    let rate = move |slot: Slot| {
        let z = (seed ^ u64::from(slot)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        1_000_000 - spread * 10_000 + z % (2 * spread * 10_000 + 1)
    };
    let clock = |slot| Clock::new(u64::from(slot) * 777 * MS, rate(slot), true);
    World::with_clocks(&slots, &[], seed, clock)
}

/// Whether one node is master, and every node sees that, and everybody well.
pub(crate) fn agrees(world: &World) -> bool {
    let Some(master) = world.master() else {
        return false;
    };
    world.slots().iter().copied().all(|slot| {
        let snapshot = world.snapshot(slot);
        let is_well = |member: &MemberSnapshot| {
            member.healthy == Some(true) && member.diagnosis == Diagnosis::Healthy
        };
        snapshot.master == Some(master)
            && !snapshot.degraded
            && snapshot.epoch == world.epoch()
            && snapshot.members.iter().all(is_well)
    })
}

/// Few runs by default, since each is seconds of a cluster's life; `PROPTEST_CASES` asks for more.
pub(crate) fn config() -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if asked { default.cases } else { 48 },
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_there_are_never_two_masters_and_one_when_it_is_over(
        slots in prop_oneof![Just(3_usize), Just(5)],
        spread in 0..=10_u64,
        seed in any::<u64>(),
        faults in proptest::collection::vec((0..MOST_PAUSE_MS, a_fault()), FAULTS),
    ) {
        let mut world = a_cluster(slots, spread, seed);
        world.start_all();
        world.run(1_500 * MS);
        prop_assert!(world.master().is_some(), "a first master");
        for (pause_ms, fault) in faults {
            world.run(pause_ms * MS);
            befall(&mut world, fault);
        }
        world.run(200 * MS);
        heal(&mut world);
        // Who was told to make room and was too busy to until now.
        world.run(100 * MS);
        world.start_the_next();
        // The longest pause of a node that was elected in vain is 100 leases.
        let took = world.run_until(7_000 * MS, agrees);
        prop_assert!(took.is_some(), "{}", story(&world));
        prop_assert!(world.watch.served > 0);
    }

    #[test]
    fn a_minority_that_comes_and_goes_ends_no_mastership(
        slots in prop_oneof![Just(3_usize), Just(5)],
        seed in any::<u64>(),
        faults in proptest::collection::vec((0..MOST_PAUSE_MS, 0..4_usize, 0..2_usize, 1..300_u64), FAULTS),
    ) {
        let mut world = a_cluster(slots, 3, seed);
        world.start_all();
        world.run(1_500 * MS);
        let master = world.master().expect("a first master");
        let others: Vec<Slot> = world.slots().iter().copied().filter(|slot| *slot != master).collect();
        for (pause_ms, kind, node, ms) in faults {
            // Two of five, or one of three: the same ones all along, so that a majority is never touched.
            let slot = others[node % (slots / 2)];
            match kind {
                0 => world.isolate(slot, true),
                1 => world.isolate(slot, false),
                2 => restart(&mut world, slot, ms % 2 == 0),
                _ => world.freeze(slot, world.at + ms * MS),
            }
            let end = world.at + (pause_ms + 1) * MS;
            while world.at < end {
                world.run(MS);
                prop_assert_eq!(world.master(), Some(master), "{}", story(&world));
            }
        }
    }

    #[test]
    fn after_a_loss_a_master_serves_within_a_grant_and_a_vote(
        slots in prop_oneof![Just(3_usize), Just(5)],
        seed in any::<u64>(),
        phase_us in 0..100_000_u64,
        how in 0..4_usize,
    ) {
        let mut world = a_cluster(slots, 0, seed);
        world.start_all();
        world.run(1_500 * MS + phase_us * US);
        let lost = world.master().expect("a first master");
        match how {
            0 => world.power_off(lost),
            1 => world.kill(lost),
            2 => world.freeze(lost, world.at + 10_000 * MS),
            _ => world.isolate(lost, true),
        }
        let took = world.run_until(1_000 * MS, |world| world.master().is_some_and(|master| master != lost));
        prop_assert!(took.is_some_and(|took| took < 52 * MS), "{took:?} {}", story(&world));
    }

    #[test]
    fn a_cold_start_has_a_master_within_the_bound_however_far_apart_the_nodes_start(
        slots in prop_oneof![Just(3_usize), Just(5)],
        seed in any::<u64>(),
        pauses in proptest::collection::vec(0..300_u64, 5),
    ) {
        let mut world = a_cluster(slots, 2, seed);
        for (index, slot) in world.slots().iter().copied().rev().enumerate() {
            world.start(slot, Maps::Lost);
            world.run(pauses[index] * MS);
        }
        let slowest = 240 + 50 + 200 * slots as u64;
        let took = world.run_until(slowest * MS, |world| world.master().is_some());
        prop_assert!(took.is_some(), "{}", story(&world));
    }
}

/// The role changes of a failed run, one a line.
pub(crate) fn story(world: &World) -> String {
    let mut lines = Vec::new();
    for machine in world.machines.values() {
        for change in &machine.changes {
            let (from, to) = (change.from.as_str(), change.to.as_str());
            let epoch = (change.epoch.round(), change.epoch.slot());
            lines.push((
                change.at,
                format!(
                    "slot {} {from} -> {to}: {} {epoch:?}",
                    machine.slot, change.reason
                ),
            ));
        }
    }
    lines.sort();
    let now = format!("at {} us: masters {:?}\n", world.at / US, masters(world));
    let lines = lines
        .into_iter()
        .map(|(at, line)| format!("{:>12} us {line}\n", at / US));
    now + &lines.collect::<String>()
}

fn masters(world: &World) -> Vec<Slot> {
    world
        .slots()
        .iter()
        .copied()
        .filter(|slot| world.role(*slot) == Some(Role::Master))
        .collect()
}
