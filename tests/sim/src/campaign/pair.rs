//! A pair: anything at any time, references that come and go, and order again.

use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_core::config::{FenceRule, PairRules};
use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Role;

use super::cluster::{MOST_SLEWED, agree, fair, note_steps, rate, start, until};
use super::fault::{befall_some, restart};
use super::{Draw, Nearest, Tally};
use crate::clock::Clock;
use crate::world::{DEFAULTS, MS, TIMING, US, World, pair_config};

/// The members.
pub(super) const SLOTS: [Slot; 2] = [1, 2];
const BURSTS: u32 = 3;
/// Faults of one burst, and the time between two of them: up to about three leases.
const FAULTS: std::ops::Range<u64> = 1..12;
const PAUSE: std::ops::Range<u64> = 0..150 * MS;
/// What this method leaves as it is: its electors are two, and a machine whose clocks stand still may always be one too
/// many.
const LEFT_OUT: [&str; 2] = [
    "fault: other electors ordered",
    "fault: machine paused, clocks too",
];
/// How long the reference stays on one side, in a case about that: three periods, a slow clock's, and some.
const STAYS: u64 = 40 * MS;
/// From when all is in order until both agree: abstentions, a candidacy in vain and its pauses.
const MOST_ORDER: u64 = 12_000 * MS;

/// Which guarantee a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Two masters in the named case only.
    Evidence,
    /// Only one node reaches the reference at any time: never two.
    OneSide,
    /// With a fence command: never two.
    Fence,
}

/// A pair, not started yet.
pub(super) fn drawn(draw: &mut Draw, seed: u64) -> World {
    let about = about(seed);
    let rules = PairRules {
        fence: (about == About::Fence).then_some(FenceRule {
            delay: Duration::from_millis(20),
        }),
        ..PairRules::DEFAULT
    };
    let timing = draw.one_of(&[DEFAULTS, TIMING]);
    let clocks = [(); 2].map(|()| {
        let offset = draw.within(0..10_000 * MS);
        Clock::new(offset, rate(draw, MOST_SLEWED), true)
    });
    let clock = |slot: Slot| clocks[usize::from(slot) - 1];
    let configs = SLOTS.map(|slot| pair_config(slot, rules, timing));
    let mut world = World::with_configs(configs.into_iter(), seed, clock);
    world.weather = fair(draw);
    if about == About::OneSide {
        world.lose_reference(2, true);
    }
    world
}

const fn about(seed: u64) -> About {
    match seed % 3 {
        0 => About::Evidence,
        1 => About::OneSide,
        _ => About::Fence,
    }
}

pub(super) fn live(
    world: &mut World,
    draw: &mut Draw,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    let about = about(seed);
    start(world)?;
    for _ in 0..BURSTS {
        for _ in 0..draw.within(FAULTS) {
            until(world, draw.within(PAUSE), |_| false)?;
            trouble(world, draw, about, tally)?;
        }
        back_to_order(world, draw, about, tally, seed)?;
    }
    let taken = |role: Role| {
        let changes = world.machines.values().flat_map(|machine| &machine.changes);
        changes.filter(|change| change.to == role).count() as u64
    };
    for role in [Role::IsMaster, Role::BattleMaster, Role::Master] {
        tally.add(role_name(role), taken(role));
    }
    tally.add("fence commands run", world.fences);
    note_steps(world, tally);
    let beside = world.watch.excepted_beside;
    tally.add("steps of two leases by evidence: the named case", beside);
    if about != About::Evidence && beside > 0 {
        return Err(format!(
            "S1: two leases by evidence, in a case about {about:?}"
        ));
    }
    Ok(())
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::IsMaster => "times that a node was is_master",
        Role::BattleMaster => "battles",
        _ => "masterships",
    }
}

fn trouble(
    world: &mut World,
    draw: &mut Draw,
    about: About,
    tally: &mut Tally,
) -> Result<(), String> {
    let node = draw.one_of(&SLOTS);
    match draw.within(0..10) {
        0 | 1 => {
            tally.count("fault: parted or joined");
            world.part(draw.percent(60));
        }
        2 | 3 if about == About::OneSide => {
            tally.count("fault: the reference changes sides");
            world.lose_reference(node, false);
            world.lose_reference(3 - node, true);
            // Faster than that both reach it, by turns.
            until(world, STAYS, |_| false)?;
        }
        2 | 3 => {
            tally.count("fault: reference lost or back");
            world.lose_reference(node, draw.percent(60));
        }
        4 => {
            tally.count("fault: fence command fails or works");
            world.fence_fails = draw.percent(50);
        }
        _ => befall_some(world, draw, tally, |fault| !LEFT_OUT.contains(&fault.name)),
    }
    Ok(())
}

/// Every fault ends. A fence command that was given before still stops its target, which is switched on again.
fn back_to_order(
    world: &mut World,
    draw: &mut Draw,
    about: About,
    tally: &mut Tally,
    seed: u64,
) -> Result<(), String> {
    let from = world.at;
    let is_one = |world: &World| {
        let machines = world.machines.values();
        let mut machines = machines.map(|machine| machine.node.is_some());
        machines.all(|runs| runs) && agree(world)
    };
    while world.at < from + MOST_ORDER {
        let side = world.lost_references.clone();
        world.heal();
        if about == About::OneSide {
            world.lost_references = side;
        }
        world.weather = fair(draw);
        world.fence_fails = false;
        world.start_the_next();
        for slot in SLOTS {
            let machine = world.machine(slot);
            let is_held_up = machine.frozen_until.max(machine.deaf_until) > world.at;
            if (!machine.is_on || machine.node.is_none()) && !is_held_up {
                restart(world, slot, draw.percent(70));
            }
            world.order(slot, Order::Maintenance(false));
        }
        if until(world, 300 * MS, is_one)?.is_some() {
            let took = world.at - from;
            let bound = MOST_ORDER;
            tally.held("L1 faults ended", Nearest { took, bound, seed });
            return Ok(());
        }
    }
    Err(format!(
        "L1 at {} us: no master that both agree on, {} us after all is in order",
        world.at / US,
        MOST_ORDER / US
    ))
}
