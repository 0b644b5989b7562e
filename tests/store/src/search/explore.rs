//! Every state within bounds, depth first.
//!
//! The election's search is another one: it knows states by their fingerprints alone, and stops steps in their middle. Here
//! what is on the way is compared, and no step has a middle.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Scope;
use super::moves::Move;
use super::state::State;
use super::table::{MessageId, Table};
use crate::oracle::Violation;
use crate::seen::Seen;

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// States looked at, each once.
    pub states: u64,
    /// What all nodes were like, in those that differ by more than what was on its way: how often, and the sum of their
    /// fingerprints.
    pub together: (u64, u64),
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

/// States that were looked at.
#[derive(Default)]
struct Looked {
    /// What was on its way in them, of those that differ by nothing else: none of these has all that another has.
    nets: HashMap<u64, Vec<Box<[MessageId]>>>,
    sum: u64,
}

impl Looked {
    /// Adds a state. `false`: there was one that has all that this one has, and so can do all that it can.
    fn add(&mut self, state: &State, table: &Table) -> bool {
        let fingerprint = state.fingerprint(table);
        let nets = self.nets.entry(fingerprint).or_default();
        if nets.is_empty() {
            self.sum = self.sum.wrapping_add(fingerprint);
        }
        if nets.iter().any(|net| has_all(net, &state.net)) {
            return false;
        }
        nets.retain(|net| !has_all(&state.net, net));
        nets.push(state.net.as_slice().into());
        true
    }
}

/// Whether one of two sets in order has all of the other.
fn has_all(net: &[MessageId], other: &[MessageId]) -> bool {
    let mut net = net.iter();
    other.len() <= net.len() && other.iter().all(|message| net.any(|has| has == message))
}

/// Looks at every state within the scope's bounds, at most `most` of them.
#[must_use]
pub fn explore(scope: &Scope, most: u64) -> Report {
    let start = Instant::now();
    let mut report = Report {
        states: 0,
        together: (0, 0),
        steps: 0,
        depth: 0,
        is_complete: true,
        took: Duration::ZERO,
        seen: Seen::default(),
        violation: None,
    };
    let mut table = Table::new(scope);
    let mut looked = Looked::default();
    let first = State::first(scope, &mut table);
    looked.add(&first, &table);
    let mut path = vec![Frame::new(scope, first, None, &mut table)];
    while let Some(top) = path.last_mut() {
        let Some(made) = top.moves.pop() else {
            path.pop();
            continue;
        };
        if report.states >= most {
            report.is_complete = false;
            break;
        }
        report.steps += 1;
        let mut state = top.state.clone();
        let step = table.step(state.nodes[made.at], made.event);
        if let Err(violation) = state.make(&made, &step, &mut table) {
            let moves = path.iter().filter_map(|frame| frame.came).chain([made]);
            let told = moves.map(|made| made.tell(scope, &table)).collect();
            report.violation = Some((violation, told));
            report.is_complete = false;
            break;
        }
        if looked.add(&state, &table) {
            report.states += 1;
            report.seen += step.seen;
            path.push(Frame::new(scope, state, Some(made), &mut table));
            report.depth = report.depth.max(path.len());
        }
    }
    report.together = (looked.nets.len() as u64, looked.sum);
    report.took = start.elapsed();
    report
}

impl Frame {
    fn new(scope: &Scope, state: State, came: Option<Move>, table: &mut Table) -> Self {
        Self {
            moves: state.moves(scope, table),
            state,
            came,
        }
    }
}
