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
use crate::world::World;

/// A state that a search goes through.
pub(crate) trait State: Clone {
    type Scope;
    type Action: Clone;

    /// The first one.
    fn first(scope: &Self::Scope) -> Self;

    fn fingerprint(&self, scope: &Self::Scope) -> u64;

    /// Everything that could be next.
    fn actions(&self, scope: &Self::Scope, into: &mut Vec<Self::Action>);

    /// Whether a step may be stopped in the middle.
    fn may_stop(&self) -> bool;

    /// Takes a step as far as `hold` lets it.
    fn apply(
        &mut self,
        scope: &Self::Scope,
        action: &Self::Action,
        hold: &mut Hold,
    ) -> Result<(), Violation>;

    /// A step in words.
    fn tell(&self, action: &Self::Action) -> String;

    /// Whether the path has gone as far as it is followed.
    fn is_beyond(&self, scope: &Self::Scope) -> bool;

    /// What was seen since it was looked at last.
    fn take_seen(&mut self) -> Seen;
}

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
struct Frame<S: State> {
    world: S,
    actions: Vec<S::Action>,
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
    search::<World>(scope, most)
}

pub(crate) fn search<S: State>(scope: &S::Scope, most: u64) -> Report {
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
    let first = S::first(scope);
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
            Ok(Some(mut world)) => {
                if known.insert(world.fingerprint(scope)) {
                    report.states += 1;
                    report.seen.add(&world.take_seen());
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

impl<S: State> Frame<S> {
    fn new(scope: &S::Scope, mut world: S, came: String) -> Self {
        world.take_seen();
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
    fn try_next(&mut self, scope: &S::Scope, action: &S::Action) -> Result<Option<S>, Violation> {
        let mut world = self.world.clone();
        let mut hold = if world.may_stop() {
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
