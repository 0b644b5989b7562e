//! Every state within bounds, depth first.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::Scope;
use super::moves::Move;
use super::state::State;
use crate::oracle::Violation;
use crate::seen::Seen;

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

/// A state on the path, and what is still to be tried in it.
struct Frame {
    state: State,
    moves: Vec<Move>,
    /// The move that led here.
    came: Option<Move>,
}

/// Looks at every state within the scope's bounds, at most `most` of them.
#[must_use]
pub fn explore(scope: &Scope, most: u64) -> Report {
    let start = Instant::now();
    let mut report = Report {
        states: 0,
        steps: 0,
        depth: 0,
        is_complete: true,
        took: Duration::ZERO,
        seen: Seen::default(),
        violation: None,
    };
    let first = State::first(scope);
    let mut known = HashSet::from([first.fingerprint()]);
    let mut path = vec![Frame::new(first, None)];
    while let Some(top) = path.last_mut() {
        let Some(what) = top.moves.pop() else {
            path.pop();
            continue;
        };
        if report.states >= most {
            report.is_complete = false;
            break;
        }
        report.steps += 1;
        let mut state = top.state.clone();
        if let Err(violation) = caught(|| state.make(scope, &what)) {
            let moves = path
                .iter()
                .filter_map(|frame| frame.came.as_ref())
                .chain([&what]);
            report.violation = Some((violation, moves.map(|made| made.tell(scope)).collect()));
            break;
        }
        state.drop_what_is_over();
        state.look_at_nodes(Some(&top.state));
        if known.insert(state.fingerprint()) {
            report.states += 1;
            report.seen += std::mem::take(&mut state.world.seen);
            path.push(Frame::new(state, Some(what)));
            report.depth = report.depth.max(path.len());
        }
    }
    report.took = start.elapsed();
    report
}

impl Frame {
    fn new(state: State, came: Option<Move>) -> Self {
        Self {
            moves: state.moves(),
            state,
            came,
        }
    }
}

/// Takes a step; an assertion that fails is a violation.
pub(crate) fn caught(step: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Violation::Assertion(text.unwrap_or_default()))
    })
}
