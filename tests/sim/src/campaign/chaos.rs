//! Anything at any time, then a lull in which some of it stays broken, then order again.

use heartbeat_core::event::Order;
use heartbeat_core::message::Network;
use heartbeat_core::snapshot::Alarm;
use heartbeat_core::{Instant, Slot};

use super::bounds::Terms;
use super::cluster::{agree, fair, note_steps, start};
use super::fault::{befall, restart};
use super::sound::Sound;
use super::{Draw, Nearest, Tally};
use crate::machine::Machine;
use crate::world::{MS, TIMING, US, World};

/// Bursts of faults in one case.
const BURSTS: u32 = 3;
/// Faults of one burst, and the time between two of them: up to about three leases.
const FAULTS: std::ops::Range<u64> = 1..12;
const PAUSE: std::ops::Range<u64> = 0..150 * MS;
/// How long a lull is watched beyond the time by which there must be a master.
const WATCHED: u64 = 300 * MS;
/// The longest backoff of a candidate that lost, in leases; and how often candidates may lose to one another that
/// were all let loose at once.
const BACKOFFS: u64 = 3;

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
        self.until_all_run(world)?;
        let Some(able) = joined_majority(world) else {
            tally.count("lulls without a joined majority in order");
            return Ok(());
        };
        self.master_comes(world, &able, "L1 in a lull", tally)?;
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
        let slots = world.slots();
        for slot in slots.iter().copied() {
            let machine = world.machine(slot);
            if !machine.is_on || machine.node.is_none() {
                restart(world, slot, draw.percent(70));
            }
            world.order(slot, Order::Maintenance(false));
        }
        self.sound.note(world);
        self.until_all_run(world)?;
        world.start_the_next();
        self.sound.note(world);
        let newest = world
            .machines
            .values()
            .map(|machine| machine.record.in_force);
        let newest = newest.max_by_key(|set| set.version).unwrap_or_default();
        self.master_comes(world, newest.slots.as_slice(), "L1 faults ended", tally)?;
        self.all_agree(world, tally)
    }

    /// Until nobody is held up any more.
    fn until_all_run(&mut self, world: &mut World) -> Result<(), String> {
        self.run(world, held_up_until(world).saturating_sub(world.at))?;
        // Who was told to make room, or was too busy to until now.
        self.run(world, 30 * MS)?;
        if world.machines.values().any(finds_its_clock_at_fault) {
            return Err(format!(
                "at {} us: a clock within the guard is found at fault",
                world.at / US
            ));
        }
        Ok(())
    }

    /// All say the same of who is master.
    fn all_agree(&mut self, world: &mut World, tally: &mut Tally) -> Result<(), String> {
        let (from, bound) = (world.at, Terms::of(world).grants(2));
        while !agree(world) {
            self.step(world)?;
            if world.at > from + bound {
                return Err(format!(
                    "L2 at {} us: not all agree {} us after there was a master for good",
                    world.at / US,
                    bound / US
                ));
            }
        }
        let took = world.at - from;
        tally.held(
            "L2 all agree",
            Nearest {
                took,
                bound,
                seed: self.seed,
            },
        );
        Ok(())
    }

    /// There is a master in time and for good, `able` being those who can make one: one that is there at first may
    /// still be lost to what happened before.
    fn master_comes(
        &mut self,
        world: &mut World,
        able: &[Slot],
        name: &'static str,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let (from, bound) = (world.at, bound(world, able));
        let mut took = 0;
        while world.at < from + bound {
            self.step(world)?;
            if world.master().is_none() {
                took = world.at - from;
            }
        }
        if world.master().is_none() {
            return Err(format!(
                "{name} at {} us: no master {} us after slots {able:?} are in order and joined",
                world.at / US,
                bound / US
            ));
        }
        tally.held(
            name,
            Nearest {
                took,
                bound,
                seed: self.seed,
            },
        );
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

/// The most electors that are in order and joined to each other over the management network, if they are a
/// majority and one of them may become master. None while the electors change.
fn joined_majority(world: &World) -> Option<Vec<Slot>> {
    let set = world.machines.values().next()?.record.in_force;
    let is_settled = |machine: &Machine| {
        let record = &machine.record;
        record.in_force == set && !record.is_proposed && record.accepted.is_none()
    };
    if !world.machines.values().all(is_settled) {
        return None;
    }
    let able: Vec<Slot> = set
        .slots
        .iter()
        .filter(|slot| {
            let machine = world.machine(*slot);
            machine.is_on && machine.node.is_some()
        })
        .collect();
    let is_joined = |from: Slot, to: Slot| {
        let is_cut = world.cut.contains(&(from, to, Network::Management));
        from == to || !(is_cut || world.deaf_ports.contains(&(from, to)))
    };
    let subsets = (0_u32..1 << able.len()).map(|bits| {
        let chosen = able
            .iter()
            .enumerate()
            .filter(move |(place, _)| bits >> place & 1 == 1);
        chosen.map(|(_, slot)| *slot).collect::<Vec<Slot>>()
    });
    subsets
        .filter(|subset| {
            subset.len() >= set.majority()
                && subset.iter().any(|slot| may_serve(world, *slot))
                && subset
                    .iter()
                    .all(|from| subset.iter().all(|to| is_joined(*from, *to)))
        })
        .max_by_key(Vec::len)
}

fn may_serve(world: &World, slot: Slot) -> bool {
    !world.machine(slot).config.is_witness(slot) && !world.snapshot(slot).maintenance
}

/// By when those who are able to make a master must have made one: the last of them votes and grants again, every
/// grant is over that one of them gave, or may yet give to a master that is being lost; one of them stands; and
/// some lose to one another.
fn bound(world: &World, able: &[Slot]) -> u64 {
    let terms = Terms::of(world);
    let (at, mut free) = (world.at, world.at);
    let mut stands = u64::MAX;
    for slot in able {
        let machine = world.machine(*slot);
        let words = machine.kernel.daemon_words();
        let ends = [
            words.abstain_until,
            words.vote_grant_end,
            machine.kernel.words().grant_end,
        ];
        for end in ends {
            free = free.max(machine.clock.when(end.0));
        }
        if may_serve(world, *slot) {
            let snapshot = world.snapshot(*slot);
            let own = snapshot
                .stands_at
                .map_or(at, |stands| machine.clock.when(stands.0));
            stands = stands.min(own.max(at));
        }
    }
    let is_master_left = world.watch.holders().iter().any(|slot| {
        let machine = world.machine(*slot);
        machine.kernel.control.lease_deadline_ns > machine.clock.boot(at)
    });
    let lost = u64::from(is_master_left) * terms.grants(2);
    let backoffs = BACKOFFS * terms.slow(TIMING.lease());
    let others = world.machines.len() as u64 - 1;
    free.max(stands) - at + lost + backoffs + terms.ranks(others) + terms.election()
}
