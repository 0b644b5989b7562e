//! A cluster in order whose services fail and are mended: who serves is well while anybody is, and what moves for their
//! sake is bounded.

use std::time::Duration;

use heartbeat_core::Slot;
use heartbeat_core::config::Handovers;
use heartbeat_core::service::{ServiceState, Services};
use heartbeat_core::snapshot::{Reason, Role};

use super::bounds::Terms;
use super::cluster::{agree, all_vote_at, note_steps, run, start, until};
use super::fault::befall_some;
use super::{Draw, Nearest, Tally};
use crate::world::{MS, US, World};

const ROUNDS: u32 = 12;
/// What the master needs to know how the others are, and who is to follow it.
const KNOWN: u64 = 100 * MS;
/// How long a member that flapped is held for what it was, at most, and what an election adds.
const HOLDS_STILL: u64 = 6_000 * MS;
/// How long a master stays that has nobody to hand on to, or has done so too often.
const STAYS: u64 = 300 * MS;
/// Faults of a burst, and the time between two of them.
const FAULTS: std::ops::Range<u64> = 1..12;
const PAUSE: std::ops::Range<u64> = 0..120 * MS;
/// From when all is in order, and everybody votes, until all agree.
const MOST_ORDER: u64 = 12_000 * MS;

const ALL: [ServiceState; 5] = [
    ServiceState::Starting,
    ServiceState::Healthy,
    ServiceState::Recovering,
    ServiceState::Lost,
    ServiceState::NotPromoted,
];
/// Those for which a master leaves.
const FOR_GOOD: [ServiceState; 2] = [ServiceState::Lost, ServiceState::NotPromoted];
/// Faults beside them: daemons and links come and go, and operators move mastership.
const BESIDE: [&str; 5] = [
    "fault: daemon killed",
    "fault: daemon started anew",
    "fault: cut off",
    "fault: joined again",
    "fault: switchover ordered",
];

/// How often mastership is handed on in which time, in one case.
fn rules(seed: u64) -> Handovers {
    Handovers {
        most: 1 + u32::try_from(seed % 3).unwrap_or(0),
        window: Duration::from_secs(2),
    }
}

pub(super) fn live(
    world: &mut World,
    draw: &mut Draw,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    let rules = rules(seed);
    for machine in world.machines.values_mut() {
        machine.config.handovers = rules;
    }
    mend(world);
    start(world)?;
    for _ in 0..ROUNDS {
        fail_the_master(world, draw, rules, seed, tally)?;
        burst(world, draw, tally)?;
        back_to_order(world)?;
    }
    judge(world, rules, tally)?;
    note_steps(world, tally);
    Ok(())
}

fn set(world: &mut World, slot: Slot, state: ServiceState) {
    let limit = Duration::from_secs(3);
    world.serve(slot, Services { limit, state });
}

/// All are well.
fn mend(world: &mut World) {
    for slot in world.slots().iter().copied() {
        set(world, slot, ServiceState::Healthy);
    }
}

/// The master's services are lost for good, and perhaps others' are not well either.
fn fail_the_master(
    world: &mut World,
    draw: &mut Draw,
    rules: Handovers,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    let master = world.master().ok_or("a cluster in order has no master")?;
    for slot in world.slots().iter().copied().filter(|slot| *slot != master) {
        if draw.percent(30) {
            set(world, slot, draw.one_of(&ALL));
        }
    }
    run(world, KNOWN)?;
    if world.master() != Some(master) {
        return Err("mastership moved though its own services are well".into());
    }
    let heir = world.snapshot(master).successor;
    let spent = handed_on(world, master, rules.window);
    set(world, master, draw.one_of(&FOR_GOOD));
    let terms = Terms::of(world);
    let moved = |world: &World| world.master().is_some_and(|next| next != master);
    let is_spent = spent.surely >= rules.most;
    if is_spent || whole(world).is_empty() {
        tally.count(if is_spent {
            "handovers that would have been one too many"
        } else {
            "services lost while nobody is whole"
        });
        return match until(world, STAYS, moved)? {
            None => Ok(()),
            Some(_) => Err(format!("slot {master} handed on, and should have stayed")),
        };
    }
    if spent.perhaps >= rules.most {
        // By its own clock the window may be over, or not.
        return run(world, STAYS);
    }
    let (name, bound) = match heir {
        Some(_) => (
            "service lost, heir known",
            terms.overtaken_release() + terms.ranks(1) + terms.election(),
        ),
        None => ("service lost, heir to be found", HOLDS_STILL),
    };
    let Some(took) = until(world, bound, moved)? else {
        return Err(format!("{name}: no other master within {} us", bound / US));
    };
    tally.held(name, Nearest { took, bound, seed });
    Ok(())
}

/// Members that may be master, run, and whose services are well.
fn whole(world: &World) -> Vec<Slot> {
    let slots = world.slots();
    let is_whole = |slot: &Slot| {
        let machine = world.machine(*slot);
        let is_well = machine.services.map(|it| it.state) == Some(ServiceState::Healthy);
        is_well && machine.node.is_some() && machine.config.may_be_master(*slot)
    };
    slots.iter().copied().filter(is_whole).collect()
}

/// How often a node handed mastership on for its services' sake within the window, by any clock within the guard.
struct HandedOn {
    surely: u32,
    perhaps: u32,
}

fn handed_on(world: &World, slot: Slot, window: Duration) -> HandedOn {
    let span = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
    let within = |most: u64| {
        // A daemon that starts counts anew.
        let changes = world.machine(slot).changes.iter().rev();
        let changes = changes.take_while(|it| it.from != Role::Init);
        let is_one = |at: u64| at + most > world.at;
        let count = changes.filter(|it| is_handover(it.from, it.reason) && is_one(it.at));
        u32::try_from(count.count()).unwrap_or(u32::MAX)
    };
    HandedOn {
        // Until the end of the look at it.
        surely: within((span * 85 / 100).saturating_sub(STAYS)),
        perhaps: within(span * 115 / 100),
    }
}

fn is_handover(from: Role, reason: Reason) -> bool {
    from == Role::Master && matches!(reason, Reason::ServiceLost | Reason::NotPromoted)
}

/// Services fail and are mended anywhere, and other things happen.
fn burst(world: &mut World, draw: &mut Draw, tally: &mut Tally) -> Result<(), String> {
    for _ in 0..draw.within(FAULTS) {
        run(world, draw.within(PAUSE))?;
        if draw.percent(60) {
            let slot = draw.one_of(&world.slots());
            tally.count("fault: services changed");
            set(world, slot, draw.one_of(&ALL));
        } else {
            befall_some(world, draw, tally, |fault| BESIDE.contains(&fault.name));
        }
    }
    Ok(())
}

fn back_to_order(world: &mut World) -> Result<(), String> {
    let weather = world.weather;
    world.heal();
    world.weather = weather;
    for slot in world.slots().iter().copied() {
        if world.machine(slot).node.is_none() {
            super::fault::restart(world, slot, true);
        }
    }
    mend(world);
    // Who is master when the faults end still falls where too many of the others abstain.
    let votes_at = all_vote_at(world);
    run(world, votes_at.saturating_sub(world.at))?;
    until(world, MOST_ORDER, agree)?
        .ok_or("no master that all agree on, though all is in order")?;
    // The master learns how the others are.
    run(world, 2 * KNOWN)
}

/// Of all role changes: nobody became master with services that were not well, and nobody handed on too often.
fn judge(world: &World, rules: Handovers, tally: &mut Tally) -> Result<(), String> {
    for machine in world.machines.values() {
        let began = machine
            .changes
            .iter()
            .filter(|change| change.to == Role::Master && change.reason != Reason::LeaseTakenUp);
        for change in began {
            tally.count("masterships begun, services looked at");
            if change.services != Some(ServiceState::Healthy) {
                return Err(format!(
                    "slot {} became master at {} us with services {:?}",
                    machine.slot,
                    change.at / US,
                    change.services
                ));
            }
        }
        budget(machine, rules)?;
    }
    Ok(())
}

/// No window of one daemon's life holds more than its budget.
fn budget(machine: &crate::machine::Machine, rules: Handovers) -> Result<(), String> {
    let span = u64::try_from(rules.window.as_nanos()).unwrap_or(u64::MAX) * 85 / 100;
    let mut handed: Vec<u64> = Vec::new();
    for change in &machine.changes {
        if change.from == Role::Init {
            // A daemon that starts counts anew.
            handed.clear();
        }
        if is_handover(change.from, change.reason) {
            handed.push(change.at);
            let recent = handed.iter().filter(|at| **at + span > change.at).count();
            if recent > usize::try_from(rules.most).unwrap_or(usize::MAX) {
                return Err(format!(
                    "slot {} handed on {recent} times within its window",
                    machine.slot
                ));
            }
        }
    }
    Ok(())
}
