//! Anything at any time, then a lull in which some of it stays broken, then order again.

use heartbeat_core::event::Order;
use heartbeat_core::snapshot::Alarm;
use heartbeat_core::{Instant, Slot};

use super::able::{bound, joined_majority};
use super::bounds::Terms;
use super::cluster::{agree, fair, note_steps, start};
use super::fault::{befall, restart};
use super::sound::Sound;
use super::{Draw, Nearest, Tally};
use crate::machine::Machine;
use crate::world::{MS, US, World};

/// Bursts of faults in one case.
const BURSTS: u32 = 3;
/// Faults of one burst, and the time between two of them: up to about three leases.
const FAULTS: std::ops::Range<u64> = 1..12;
const PAUSE: std::ops::Range<u64> = 0..150 * MS;
/// A clock is judged over a second of CLOCK_MONOTONIC_RAW, and one that is at fault keeps its node from voting for
/// an abstention more: six fifths of `max_lease` by a slow clock.
const LONGEST_CLOCK_FAULT: u64 = 3_000 * MS;
/// How long a lull is watched beyond the time by which there must be a master.
const WATCHED: u64 = 300 * MS;

pub(super) fn live(
    world: &mut World,
    draw: &mut Draw,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    start(world)?;
    let mut life = Life {
        sound: Sound::default(),
        seed,
    };
    for _ in 0..BURSTS {
        life.burst(world, draw, tally)?;
    }
    tally.add("masterships that ended unasked", life.sound.judged);
    note_steps(world, tally);
    Ok(())
}

/// What must come in time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// A master, while some of the cluster stays broken.
    Master,
    /// A master that all say is it.
    AllAgree,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Master => "L1 in a lull",
            Self::AllAgree => "L1 faults ended",
        }
    }
}

struct Life {
    sound: Sound,
    seed: u64,
}

impl Life {
    fn burst(
        &mut self,
        world: &mut World,
        draw: &mut Draw,
        tally: &mut Tally,
    ) -> Result<(), String> {
        for _ in 0..draw.within(FAULTS) {
            self.run(world, draw.within(PAUSE))?;
            self.sound.note(world);
            if self.sound.has_working_majority(world) {
                tally.count("faults while a master and its majority were in order");
            }
            befall(world, draw, tally);
            self.sound.note(world);
        }
        if draw.percent(50) {
            self.lull(world, draw, tally)?;
        }
        self.back_to_order(world, draw, tally)
    }

    /// Nothing more happens for a while, but what is broken stays broken.
    fn lull(
        &mut self,
        world: &mut World,
        draw: &mut Draw,
        tally: &mut Tally,
    ) -> Result<(), String> {
        self.sound.note(world);
        world.weather = fair(draw);
        world.lost_kinds_on.clear();
        self.sound.note(world);
        self.until_all_run(world, tally)?;
        let Some(able) = joined_majority(world) else {
            tally.count("lulls without a joined majority in order");
            return Ok(());
        };
        self.master_comes(world, &able, Wanted::Master, tally)?;
        let end = world.at + WATCHED;
        while world.at < end {
            self.step(world)?;
            if world.master().is_none() {
                return Err(format!(
                    "L1 at {} us: the master of a lull is lost",
                    world.at / US
                ));
            }
        }
        Ok(())
    }

    /// Every fault ends.
    fn back_to_order(
        &mut self,
        world: &mut World,
        draw: &mut Draw,
        tally: &mut Tally,
    ) -> Result<(), String> {
        self.sound.note(world);
        world.heal();
        world.weather = fair(draw);
        self.run(world, held_up_until(world).saturating_sub(world.at))?;
        // Whatever happens at that very time, too.
        self.run(world, 1)?;
        let slots = world.slots();
        for slot in slots.iter().copied() {
            let machine = world.machine(slot);
            if !machine.is_on || machine.node.is_none() {
                restart(world, slot, draw.percent(70));
            }
            world.order(slot, Order::Maintenance(false));
        }
        self.sound.note(world);
        self.until_all_run(world, tally)?;
        world.start_the_next();
        self.sound.note(world);
        let newest = world
            .machines
            .values()
            .map(|machine| machine.record.in_force);
        let newest = newest.max_by_key(|set| set.version).unwrap_or_default();
        self.master_comes(world, newest.slots.as_slice(), Wanted::AllAgree, tally)
    }

    /// Until nobody is held up any more, nor finds its clock at fault: a suspend while the daemon does not run looks
    /// like a rate, and with a slewed clock like one that the guard does not cover.
    fn until_all_run(&mut self, world: &mut World, tally: &mut Tally) -> Result<(), String> {
        self.run(world, held_up_until(world).saturating_sub(world.at))?;
        let end = world.at + LONGEST_CLOCK_FAULT;
        while world.machines.values().any(finds_its_clock_at_fault) {
            if world.at > end {
                return Err(format!(
                    "at {} us: a clock within the guard stays at fault",
                    world.at / US
                ));
            }
            tally.count("waits of 10 ms for a clock that is looked at anew");
            self.run(world, 10 * MS)?;
        }
        // Who was told to make room, or was too busy to until now.
        self.run(world, 30 * MS)
    }

    /// There is a master in time and for good, `able` being those who can make one: one that is there at first may
    /// still be lost to what happened before.
    fn master_comes(
        &mut self,
        world: &mut World,
        able: &[Slot],
        wanted: Wanted,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let (from, bound) = (world.at, bound(world, able));
        let (mut since, mut agreed_at) = (from, None);
        while world.at < from + bound {
            self.step(world)?;
            if world.master().is_none() {
                (since, agreed_at) = (world.at, None);
            } else if wanted == Wanted::AllAgree && agreed_at.is_none() && agree(world) {
                agreed_at = Some(world.at);
            }
        }
        let name = wanted.name();
        if world.master().is_none() {
            return Err(format!(
                "{name} at {} us: no master {} us after slots {able:?} are in order and joined",
                world.at / US,
                bound / US
            ));
        }
        let seed = self.seed;
        let took = since - from;
        tally.held(name, Nearest { took, bound, seed });
        if wanted == Wanted::Master {
            return Ok(());
        }
        let bound = Terms::of(world).grants(2);
        let took = agreed_at.unwrap_or(u64::MAX).saturating_sub(since);
        if took > bound {
            return Err(format!(
                "L2 at {} us: not all agree {} us after there was a master for good",
                world.at / US,
                bound / US
            ));
        }
        tally.held("L2 all agree", Nearest { took, bound, seed });
        Ok(())
    }

    fn run(&mut self, world: &mut World, span: u64) -> Result<(), String> {
        let end = world.at + span;
        while world.step(end) {
            self.look(world)?;
        }
        world.at = end;
        Ok(())
    }

    /// The next event, whenever it comes.
    fn step(&mut self, world: &mut World) -> Result<(), String> {
        if !world.step(u64::MAX) {
            return Err("nothing happens any more".into());
        }
        self.look(world)
    }

    fn look(&mut self, world: &World) -> Result<(), String> {
        if let Some(violation) = world.watch.violations.first() {
            return Err(violation.clone());
        }
        self.sound.judge(world)
    }
}

fn finds_its_clock_at_fault(machine: &Machine) -> bool {
    let node = machine.node.as_ref();
    node.is_some_and(|node| {
        node.snapshot(Instant::ZERO)
            .alarms
            .contains(&Alarm::ClockFault)
    })
}

fn held_up_until(world: &World) -> u64 {
    let ends = world
        .machines
        .values()
        .map(|machine| machine.frozen_until.max(machine.deaf_until));
    ends.max().unwrap_or(0)
}
