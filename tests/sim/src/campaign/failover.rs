//! A cluster in order loses its master, again and again, in every way.

use heartbeat_core::Slot;
use heartbeat_core::event::Order;

use super::bounds::Terms;
use super::cluster::{agree, all_vote_at, note_steps, run, start, until};
use super::{Draw, Nearest, Tally};
use crate::clock::Pause;
use crate::machine::Maps;
use crate::world::{MS, US, World};

/// Failovers of one case.
const ROUNDS: u32 = 20;
/// Longest time from one loss's end to the next loss, and shortest.
const BETWEEN: std::ops::Range<u64> = 80 * MS..160 * MS;
/// How long a master that is only held up is held up: longer than any bound here.
const HELD_UP: std::ops::Range<u64> = 200 * MS..400 * MS;

/// A way to lose a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its machine loses its power.
    PowerOff,
    /// So do its machine and another one.
    PowerOffOfTwo,
    /// SIGKILL of its daemon.
    Kill,
    /// SIGSTOP of its daemon.
    StopOfDaemon,
    /// Its kernel takes nothing in for a while.
    HoldUpOfKernel,
    /// Its whole machine stands still for a while.
    PauseOf(Pause),
    /// It is cut off both networks.
    CutOff,
    /// Nobody hears it, while it hears the others.
    Mute,
    /// It hears nobody, while the others hear it.
    Deaf,
    /// It is cut off the business network after it was cut off the management network.
    CutOffWhileDegraded,
    /// An operator hands its mastership over.
    Switchover,
    /// Its daemon is told to stop.
    StopOrder,
}

/// Each of them.
pub const LOSSES: [Loss; 14] = [
    Loss::PowerOff,
    Loss::PowerOffOfTwo,
    Loss::Kill,
    Loss::StopOfDaemon,
    Loss::HoldUpOfKernel,
    Loss::PauseOf(Pause::ClocksRun),
    Loss::PauseOf(Pause::Suspended),
    Loss::PauseOf(Pause::ClocksStop),
    Loss::CutOff,
    Loss::Mute,
    Loss::Deaf,
    Loss::CutOffWhileDegraded,
    Loss::Switchover,
    Loss::StopOrder,
];

impl Loss {
    /// The name under which its bound is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PowerOff => "L1 machine off",
            Self::PowerOffOfTwo => "L1 two machines off",
            Self::Kill => "L1 daemon killed",
            Self::StopOfDaemon => "L1 daemon stopped",
            Self::HoldUpOfKernel => "L1 kernel held up",
            Self::PauseOf(Pause::ClocksRun) => "L1 machine paused",
            Self::PauseOf(Pause::Suspended) => "L1 machine suspended",
            Self::PauseOf(Pause::ClocksStop) => "L1 machine paused, clocks too",
            Self::CutOff => "L1 cut off both networks",
            Self::Mute => "L1 heard by nobody",
            Self::Deaf => "L1 hears nobody",
            Self::CutOffWhileDegraded => "L1 cut off, management network gone before",
            Self::Switchover => "L1 switchover",
            Self::StopOrder => "L1 daemon told to stop",
        }
    }

    /// How many grants there may be to wait for: the master's last one; one more while the lost master is still heard;
    /// none once it gave its epoch up.
    const fn grants(self) -> u64 {
        match self {
            Self::PowerOff
            | Self::PowerOffOfTwo
            | Self::Kill
            | Self::StopOfDaemon
            | Self::PauseOf(_)
            | Self::CutOff
            | Self::CutOffWhileDegraded
            | Self::Mute => 1,
            Self::HoldUpOfKernel | Self::Deaf => 2,
            Self::Switchover | Self::StopOrder => 0,
        }
    }
}

pub(super) fn live(
    world: &mut World,
    draw: &mut Draw,
    seed: u64,
    tally: &mut Tally,
) -> Result<(), String> {
    start(world)?;
    for _ in 0..ROUNDS {
        lose(world, draw, seed, tally)?;
    }
    note_steps(world, tally);
    Ok(())
}

/// One loss, what follows it, and back to order.
fn lose(world: &mut World, draw: &mut Draw, seed: u64, tally: &mut Tally) -> Result<(), String> {
    // Who restarted without its maps is in order once it votes again.
    let votes_at = all_vote_at(world);
    run(
        world,
        votes_at.saturating_sub(world.at) + draw.within(BETWEEN),
    )?;
    let lost = world.master().ok_or("a cluster in order has no master")?;
    let loss = draw.one_of(&LOSSES);
    let Some(losses) = befall(world, draw, loss, lost)? else {
        tally.count("losses that this cluster could not bear, left out");
        return Ok(());
    };
    let terms = Terms::of(world);
    let bound = match loss.grants() {
        0 => terms.overtaken_release() + terms.election(),
        grants => terms.grants(grants) + terms.ranks(losses - 1) + terms.election(),
    };
    let another = |world: &World| world.master().is_some_and(|master| master != lost);
    let took = until(world, bound, another)?;
    let Some(took) = took else {
        let refused = world
            .machine(lost)
            .answers
            .last()
            .is_some_and(Result::is_err);
        if loss == Loss::Switchover && refused {
            tally.count("switchovers refused: nobody was fit");
            return Ok(());
        }
        return Err(format!(
            "{}: no other master within {} us",
            loss.name(),
            bound / US
        ));
    };
    tally.held(loss.name(), Nearest { took, bound, seed });
    mend(world, draw, lost, tally)?;
    let back = world.at;
    let most = terms.grants(2);
    let Some(took) = until(world, most, agree)? else {
        return Err(format!(
            "L2: not all agree {} us after the faults' end, at {} us",
            most / US,
            back / US
        ));
    };
    tally.held(
        "L2 all agree",
        Nearest {
            took,
            bound: most,
            seed,
        },
    );
    stays(world, draw)
}

/// Takes the master away. How many cannot be elected meanwhile; `None` if too few would be left.
fn befall(
    world: &mut World,
    draw: &mut Draw,
    loss: Loss,
    lost: Slot,
) -> Result<Option<u64>, String> {
    let until_then = world.at + draw.within(HELD_UP);
    match loss {
        Loss::PowerOff => world.power_off(lost),
        Loss::PowerOffOfTwo => {
            let others: Vec<Slot> = world
                .slots()
                .iter()
                .copied()
                .filter(|slot| *slot != lost)
                .collect();
            if others.len() < 4 {
                return Ok(None);
            }
            world.power_off(lost);
            world.power_off(draw.one_of(&others));
            return Ok(Some(2));
        }
        Loss::Kill => world.kill(lost),
        Loss::StopOfDaemon => world.freeze(lost, until_then),
        Loss::HoldUpOfKernel => world.deafen(lost, until_then),
        Loss::PauseOf(pause) => world.pause(lost, pause, until_then - world.at),
        Loss::CutOff => world.isolate(lost, true),
        Loss::Mute | Loss::Deaf => {
            for other in world.slots().iter().copied().filter(|slot| *slot != lost) {
                match loss {
                    Loss::Mute => world.links(lost, other, false),
                    _ => world.links(other, lost, false),
                }
            }
        }
        Loss::CutOffWhileDegraded => {
            world.isolate_on(lost, heartbeat_core::message::Network::Management, true);
            run(world, draw.within(0..300 * MS))?;
            if world.master() != Some(lost) {
                return Err("S6: the business network did not keep the master in office".into());
            }
            world.isolate(lost, true);
        }
        Loss::Switchover => world.order(lost, Order::Switchover(None)),
        Loss::StopOrder => world.order(lost, Order::Stop),
    }
    Ok(Some(1))
}

/// Ends the fault: everybody is there again.
fn mend(world: &mut World, draw: &mut Draw, lost: Slot, tally: &mut Tally) -> Result<(), String> {
    let weather = world.weather;
    world.heal();
    world.weather = weather;
    let machine = world.machine(lost);
    let resumes_at = machine.frozen_until.max(machine.deaf_until);
    run(world, resumes_at.saturating_sub(world.at))?;
    for slot in world.slots().iter().copied() {
        let machine = world.machine(slot);
        if machine.is_on && machine.node.is_some() {
            continue;
        }
        let maps = if machine.is_on && draw.percent(70) {
            Maps::Kept
        } else {
            Maps::Lost
        };
        tally.count(match maps {
            Maps::Kept => "daemons started with their maps",
            Maps::Lost | Maps::LostUnnoticed => "daemons started without their maps",
        });
        world.start(slot, maps);
    }
    Ok(())
}

/// Nothing moves any more: who comes back ends no mastership.
fn stays(world: &mut World, draw: &mut Draw) -> Result<(), String> {
    let (master, epoch) = (world.master(), world.epoch());
    let moved = |world: &World| world.master() != master || world.epoch() != epoch;
    match until(world, draw.within(100 * MS..300 * MS), moved)? {
        None => Ok(()),
        Some(_) => Err(format!(
            "S6: mastership {master:?} ended though all are in order: {:?} now",
            world.master()
        )),
    }
}
