//! Random paths through a scope too large to be searched: every step is drawn, and each path leans another way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use heartbeat_core::Slot;

use crate::explore::caught;
use crate::hold::Hold;
use crate::scope::{Rate, Scope};
use crate::watch::Violation;
use crate::world::{Action, Seen, World};

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

/// SplitMix64.
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    const fn below(&mut self, limit: u64) -> u64 {
        self.next() % if limit == 0 { 1 } else { limit }
    }

    const fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// How one path leans.
#[derive(Debug)]
struct Leaning {
    /// Steps a tick, about.
    steps_per_tick: u64,
    /// One step in so many is stopped in the middle.
    stops: u64,
    /// One packet in so many comes again.
    copies: u64,
    /// One step in so many is a fault, while there are any left.
    faults: u64,
    /// Among packets, how often of four the newest is taken rather than any.
    newest: u64,
    /// Links that carry nothing now.
    cut: BTreeSet<(Slot, Slot)>,
    /// Whether links are cut at times.
    cuts: bool,
}

impl Leaning {
    const fn drawn(dice: &mut Dice) -> Self {
        Self {
            steps_per_tick: 4 + dice.below(24),
            stops: 3 + dice.below(60),
            copies: 2 + dice.below(20),
            faults: 20 + dice.below(400),
            newest: dice.below(4),
            cut: BTreeSet::new(),
            cuts: dice.one_in(2),
        }
    }

    /// Draws anew which links carry nothing: around one node, or one way between two.
    fn cut_anew(&mut self, dice: &mut Dice, slots: &[Slot]) {
        self.cut.clear();
        let any =
            |dice: &mut Dice| slots[usize::try_from(dice.below(slots.len() as u64)).unwrap_or(0)];
        for _ in 0..dice.below(4) {
            let (one, other) = (any(dice), any(dice));
            if one == other {
                for slot in slots {
                    self.cut.extend([(one, *slot), (*slot, one)]);
                }
            } else {
                self.cut.insert((one, other));
            }
        }
    }
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
    let mut world = World::unhashed(&scope);
    let mut actions = Vec::new();
    let mut done = Ok(());
    while done.is_ok() && !world.is_beyond(&scope) && world.at < scope.horizon {
        let action = if dice.one_in(leaning.steps_per_tick) {
            if leaning.cuts && dice.one_in(6) {
                leaning.cut_anew(&mut dice, &slots);
            }
            Action::Tick
        } else {
            world.actions(&scope, &mut actions);
            match draw(&world, &actions, &leaning, &mut dice) {
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
        *rate = [Rate::Slow, Rate::True, Rate::Fast][usize::try_from(dice.below(3)).unwrap_or(0)];
    }
    scope
}

/// One of the steps that could be next, as this path leans; `None`: time goes on.
fn draw(world: &World, actions: &[Action], leaning: &Leaning, dice: &mut Dice) -> Option<Action> {
    let wants_fault = dice.one_in(leaning.faults);
    let wants_copy = dice.one_in(leaning.copies);
    let fits = |action: &&Action| match action {
        Action::Tick => false,
        Action::Kill(_) | Action::Lose(_) => wants_fault,
        Action::Start(_) | Action::Cross(..) | Action::GoOn(_) | Action::Wake(..) => !wants_fault,
        Action::Arrive(place, again) | Action::Take(place, _, again) => {
            let packet = world.soup.get(*place);
            !wants_fault && *again == wants_copy && !leaning.cut.contains(&(packet.from, packet.to))
        }
    };
    let fitting = actions.iter().filter(fits).count() as u64;
    let is_newest = dice.below(4) < leaning.newest;
    let packets = |action: &&Action| matches!(action, Action::Arrive(..) | Action::Take(..));
    if is_newest && let Some(newest) = actions.iter().filter(fits).rfind(packets) {
        return Some(newest.clone());
    }
    let drawn = usize::try_from(dice.below(fitting)).unwrap_or(0);
    actions.iter().filter(fits).nth(drawn).cloned()
}
