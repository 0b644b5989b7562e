//! Random paths through a scope too large to be searched: every step is drawn, and each path leans another way.

use std::time::{Duration, Instant};

use heartbeat_core::Slot;

use crate::dice::Dice;
use crate::explore::caught;
use crate::hold::Hold;
use crate::leaning::Leaning;
use crate::scope::{Rate, Scope};
use crate::seen::Seen;
use crate::watch::Violation;
use crate::world::{Action, World};

/// Packets on the way at most: of more, one is lost.
const MOST_PACKETS: usize = 40;
/// Places in one step at which it may be stopped, as far as they are drawn.
const PLACES: u64 = 8;

/// What the random paths came to.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// Steps taken.
    pub steps: u64,
    /// Paths walked.
    pub paths: u64,
    /// Ticks that passed on them.
    pub ticks: u64,
    /// How long it took.
    pub took: Duration,
    /// What happened on all paths together.
    pub seen: Seen,
    /// The first violation, with its path's seed and the steps that lead to it.
    pub violation: Option<(Violation, u64, Vec<String>)>,
}

/// Walks random paths of this scope until `most` steps are taken, or something is violated.
#[must_use]
pub fn walk(scope: &Scope, seed: u64, most: u64) -> Walked {
    let start = Instant::now();
    let mut walked = Walked::default();
    while walked.steps < most && walked.violation.is_none() {
        let path_seed = seed.wrapping_mul(1_000_003).wrapping_add(walked.paths);
        let before = walked.steps;
        if let Err(violation) = path(scope, path_seed, &mut walked, None) {
            walked.steps = before;
            let mut steps = Vec::new();
            let again = path(scope, path_seed, &mut walked, Some(&mut steps));
            assert!(again.is_err(), "a path is the same each time");
            walked.violation = Some((violation, path_seed, steps));
        }
        walked.paths += 1;
    }
    walked.took = start.elapsed();
    walked
}

/// Walks one path to the horizon.
fn path(
    scope: &Scope,
    seed: u64,
    walked: &mut Walked,
    mut told: Option<&mut Vec<String>>,
) -> Result<(), Violation> {
    let mut dice = Dice(seed);
    let scope = with_clocks(scope, &mut dice);
    let slots: Vec<Slot> = scope.members.iter().map(|(slot, _)| *slot).collect();
    let mut leaning = Leaning::drawn(&mut dice);
    let mut world = World::walked(&scope);
    let mut actions = Vec::new();
    let mut done = Ok(());
    while done.is_ok()
        && !world.is_beyond(&scope)
        && scope.horizon.is_none_or(|horizon| world.at < horizon)
    {
        let action = if dice.one_in(leaning.steps_per_tick) {
            leaning.turn(&mut dice, &slots);
            Action::Tick
        } else {
            world.actions(&scope, &mut actions);
            match leaning.draw(&world, &actions, &mut dice) {
                Some(action) => action,
                None => Action::Tick,
            }
        };
        if let Some(told) = &mut told {
            told.push(world.tell(&action));
        }
        let is_stopped = world.budget.pauses > 0 && dice.one_in(leaning.stops);
        let mut hold = if is_stopped {
            Hold::at(u8::try_from(dice.below(PLACES)).unwrap_or(0))
        } else {
            Hold::NEVER
        };
        walked.steps += 1;
        walked.ticks += u64::from(matches!(action, Action::Tick));
        done = caught(|| world.apply(&scope, &action, &mut hold));
        while world.soup.len() > MOST_PACKETS {
            let lost = dice.below(MOST_PACKETS as u64 / 2);
            world.soup.remove(usize::try_from(lost).unwrap_or(0));
        }
    }
    walked.seen.add(&world.seen);
    done
}

/// Each clock at one end of the bound or in the middle.
fn with_clocks(scope: &Scope, dice: &mut Dice) -> Scope {
    let mut scope = scope.clone();
    for (_, rate) in &mut scope.members {
        *rate = dice.one_of(&[Rate::Slow, Rate::True, Rate::Fast]);
    }
    scope
}
