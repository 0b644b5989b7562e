//! Every state that can be reached within a scope's bounds, each looked at once.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::digest::Mix;
use crate::hold::Hold;
use crate::scope::Scope;
use crate::seen::Seen;
use crate::watch::Violation;
use crate::world::{Action, World};

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// States looked at, each once.
    pub states: u64,
    /// Steps taken between them.
    pub steps: u64,
    /// The longest path.
    pub depth: usize,
    /// Whether every state within the bounds was looked at.
    pub is_complete: bool,
    /// How long it took.
    pub took: Duration,
    /// What happened on all paths together.
    pub seen: Seen,
    /// The first violation found, with the steps that lead to it.
    pub violation: Option<(Violation, Vec<String>)>,
}

/// A state on the path, and what of it is still to be tried.
struct Frame {
    world: World,
    actions: Vec<Action>,
    /// The place at which the last action is stopped next.
    hold: u8,
    /// The step that led here.
    came: String,
}

/// States that were looked at.
type Known = HashSet<u64, BuildHasherDefault<Mix>>;

/// Looks at every state within the scope's bounds, at most `most` of them, depth first.
#[must_use]
pub fn explore(scope: &Scope, most: u64) -> Report {
    let start = Instant::now();
    let mut known = Known::default();
    let mut report = Report {
        states: 0,
        steps: 0,
        depth: 0,
        is_complete: true,
        took: Duration::ZERO,
        seen: Seen::default(),
        violation: None,
    };
    let first = World::new(scope);
    known.insert(first.fingerprint(scope));
    let mut path = vec![Frame::new(scope, first, String::new())];
    while let Some(top) = path.last_mut() {
        let Some(action) = top.actions.last().cloned() else {
            path.pop();
            continue;
        };
        if report.states >= most {
            report.is_complete = false;
            break;
        }
        let next = top.try_next(scope, &action);
        report.steps += 1;
        let came = || top.world.tell(&action);
        match next {
            Ok(Some(world)) => {
                if known.insert(world.fingerprint(scope)) {
                    report.states += 1;
                    report.seen.add(&world.seen);
                    if !world.is_beyond(scope) {
                        let came = came();
                        path.push(Frame::new(scope, world, came));
                        report.depth = report.depth.max(path.len());
                    }
                }
            }
            Ok(None) => {}
            Err(violation) => {
                let last = came();
                let steps = path.into_iter().skip(1).map(|frame| frame.came);
                report.violation = Some((violation, steps.chain([last]).collect()));
                break;
            }
        }
    }
    report.took = start.elapsed();
    report
}

impl Frame {
    fn new(scope: &Scope, mut world: World, came: String) -> Self {
        world.seen = Seen::default();
        let mut actions = Vec::new();
        world.actions(scope, &mut actions);
        Self {
            world,
            actions,
            hold: 0,
            came,
        }
    }

    /// The next state by the last action: stopped at one place after the other while pauses are left, and at last
    /// not stopped at all. `None`: it was to be stopped where it could not.
    fn try_next(&mut self, scope: &Scope, action: &Action) -> Result<Option<World>, Violation> {
        let mut world = self.world.clone();
        let may_stop = world.budget.pauses > 0;
        let mut hold = if may_stop {
            Hold::at(self.hold)
        } else {
            Hold::NEVER
        };
        let applied = caught(|| world.apply(scope, action, &mut hold));
        if hold.has_stopped() {
            self.hold += 1;
        } else {
            self.hold = 0;
            self.actions.pop();
        }
        applied.map(|()| Some(world))
    }
}

/// Runs a step; an assertion of the core that fails is a violation.
pub(crate) fn caught(step: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Violation::Assertion(text.unwrap_or_default()))
    })
}
