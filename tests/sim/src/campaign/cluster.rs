//! The clusters that campaigns are about: drawn, started, and run with an eye on what must hold.

use heartbeat_core::Slot;

use super::{Case, Draw, Kind, Tally};
use crate::clock::{Clock, TRUE_RATE};
use crate::world::{DEFAULTS, MS, TIMING, US, Weather, World, config};

/// Longest time that a cluster in order takes from its start until all agree on the first master: the
/// abstention, `max_lease` for each slot that may come first, and an election.
const MOST_START: u64 = 4_000 * MS;
/// How long it then runs on, so that the master knows everybody.
const SETTLED: u64 = 100 * MS;

/// Parts of a million that a time daemon slews a clock by at most.
pub(super) const MOST_SLEWED: u64 = 100_000;

/// Members, and those of them that are witnesses: what a case draws first.
pub(super) fn members(draw: &mut Draw) -> (&'static [Slot], &'static [Slot]) {
    draw.one_of(&[
        (&[1, 2, 3], &[]),
        (&[1, 2, 3], &[3]),
        (&[1, 2, 3, 4, 5], &[]),
        (&[1, 2, 3, 4, 5], &[]),
        (&[1, 2, 3, 4, 5], &[2]),
    ])
}

/// A cluster, not started yet.
pub(super) fn drawn(draw: &mut Draw, case: Case) -> World {
    let (slots, witnesses) = members(draw);
    let is_watched = case.kind != Kind::Drift;
    let spread = match is_watched {
        true => draw.one_of(&[0, 10_000, MOST_SLEWED, MOST_SLEWED]),
        false => 2 * MOST_SLEWED,
    };
    let clocks: Vec<Clock> = slots
        .iter()
        .map(|_| {
            let offset = draw.within(0..10_000 * MS);
            Clock::new(offset, rate(draw, spread), is_watched)
        })
        .collect();
    let clock = |slot: Slot| clocks[usize::from(slot) - 1];
    let timing = draw.one_of(&[DEFAULTS, TIMING]);
    let config = |slot: &Slot| config(*slot, slots, witnesses, timing);
    let mut world = World::with_configs(slots.iter().map(config), case.seed, clock);
    world.pretends_to_remember = case.kind == Kind::Amnesia;
    world.weather = fair(draw);
    world
}

/// A clock's rate, at most `spread` parts of a million off.
pub(super) const fn rate(draw: &mut Draw, spread: u64) -> u64 {
    TRUE_RATE - spread + draw.within(0..2 * spread + 1)
}

/// Weather in which nothing is lost, and whose delays are those of a network in order.
pub(super) fn fair(draw: &mut Draw) -> Weather {
    let shortest = draw.within(20 * US..100 * US);
    Weather {
        loss: 0,
        doubled: draw.one_of(&[0, 50]),
        delay: (
            shortest,
            shortest + draw.one_of(&[50 * US, 300 * US, 1_000 * US]),
        ),
        stall: draw.one_of(&[5 * US, 50 * US, 300 * US]),
        stops: 0,
    }
}

/// Starts every daemon and runs until all of them agree on a master for a while.
pub(super) fn start(world: &mut World) -> Result<(), String> {
    world.start_all();
    until(world, MOST_START, agree).and_then(|took| {
        took.ok_or_else(|| format!("no first master in {} ms", MOST_START / MS))
    })?;
    run(world, SETTLED)
}

/// Runs for `span`, as long as nothing is violated.
pub(super) fn run(world: &mut World, span: u64) -> Result<(), String> {
    until(world, span, |_| false).map(drop)
}

/// Runs until `holds`, for at most `most`: how long that took.
pub(super) fn until(
    world: &mut World,
    most: u64,
    holds: impl Fn(&World) -> bool,
) -> Result<Option<u64>, String> {
    let (start, end) = (world.at, world.at + most);
    loop {
        if let Some(violation) = world.watch.violations.first() {
            return Err(violation.clone());
        }
        if holds(world) {
            return Ok(Some(world.at - start));
        }
        if !world.step(end) {
            world.at = end;
            return Ok(None);
        }
    }
}

/// Whether one node is master, and every daemon that runs says so, in the same epoch.
pub(super) fn agree(world: &World) -> bool {
    let Some(master) = world.master() else {
        return false;
    };
    let epoch = world.epoch();
    world.machines.values().all(|machine| {
        let is_there = machine.is_on && machine.node.is_some();
        !is_there || {
            let snapshot = world.snapshot(machine.slot);
            snapshot.master == Some(master) && snapshot.epoch == epoch
        }
    })
}

/// When nobody abstains any more, in true time, if nobody starts anew until then.
pub(super) fn all_vote_at(world: &World) -> u64 {
    let machines = world.machines.values();
    let votes_at =
        machines.map(|machine| machine.clock.when(machine.kernel.control.abstain_until_ns));
    votes_at.max().unwrap_or(0)
}

/// Notes what the watch saw of a whole case.
pub(super) fn note_steps(world: &World, tally: &mut Tally) {
    tally.add("steps with an open gate", world.watch.served);
    let excused = world.watch.excused_beside;
    tally.add(
        "steps of a lease excused: its clocks had stood still",
        excused,
    );
}
