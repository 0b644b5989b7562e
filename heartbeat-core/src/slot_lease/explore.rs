//! Every order of events, within bounds, of two machines in one slot and two that are masters in turn: at no time do
//! two of them bear the slot's addresses.
//!
//! Messages stay on the way for ever, so that each may come late, again, after others, or never. Clocks run apart as
//! far as the guard covers, and each begins somewhere else.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::{Granter, OwnLease};
use crate::grants::Holder;
use crate::{Instant, Slot};

const SLOT: Slot = 3;
/// Where the clock of each machine, then of each master, begins.
const BEGIN: [u64; 4] = [1_000, 2_000, 3_000, 4_000];
/// A lease is this long, and a clock that runs true goes on by [`TRUE`] a tick.
const LENGTH: Duration = Duration::from_nanos(500);
const TRUE: u64 = 250;
const SLOW: u64 = 225;
const FAST: u64 = 275;
/// Two leases and a half.
const TICKS: u64 = 5;
/// Questions of each machine.
const QUESTIONS: [u64; 2] = [2, 1];
/// How often a mastership ends. The next one begins on either, as after a failover or a restart.
const CHANGES: u8 = 1;

#[derive(Clone, Debug, Hash)]
struct Machine {
    lease: OwnLease,
    /// The kernel's word: the gate is open until then.
    word: Instant,
    /// What is about to be written there.
    pending: Option<Instant>,
    asked: u64,
}

#[derive(Clone, Debug, Hash)]
struct Master {
    /// While its mastership's lease is in force.
    granter: Option<Granter>,
    /// It has decided to take over, and not told the kernel yet.
    is_taking: bool,
    is_open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Question {
    machine: usize,
    master: usize,
    id: u64,
    renews: bool,
}

#[derive(Clone, Debug, Hash)]
struct World {
    tick: u64,
    machines: [Machine; 2],
    masters: [Master; 2],
    questions: BTreeSet<Question>,
    /// Answers on the way: to which machine, to which question.
    answers: BTreeSet<(usize, u64)>,
    changes: u8,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Tick,
    Ask { machine: usize, master: usize },
    Write(usize),
    Question(Question),
    Answer(usize, u64),
    Take(usize),
    Open(usize),
    Lose(usize),
    Promote(usize),
}

impl World {
    /// The first one has been master for long.
    fn new(rates: [u64; 4]) -> Self {
        let machine = Machine {
            lease: OwnLease::restored(Instant::ZERO),
            word: Instant::ZERO,
            pending: None,
            asked: 0,
        };
        let master = Master {
            granter: None,
            is_taking: false,
            is_open: false,
        };
        let mut world = Self {
            tick: 0,
            machines: [machine.clone(), machine],
            masters: [master.clone(), master],
            questions: BTreeSet::new(),
            answers: BTreeSet::new(),
            changes: CHANGES,
        };
        let long_ago = world.clock(2, rates) - LENGTH * 2;
        world.masters[0].granter = Some(granter(long_ago));
        world
    }

    fn clock(&self, node: usize, rates: [u64; 4]) -> Instant {
        Instant(BEGIN[node] + self.tick * rates[node])
    }

    fn has_master(&self) -> bool {
        self.masters.iter().any(|master| master.granter.is_some())
    }

    /// Who bears the addresses: machines, then masters.
    fn open(&self, rates: [u64; 4]) -> [bool; 4] {
        let machine = |index: usize| self.clock(index, rates) < self.machines[index].word;
        let master =
            |index: usize| self.masters[index].granter.is_some() && self.masters[index].is_open;
        [machine(0), machine(1), master(0), master(1)]
    }

    fn steps(&self, rates: [u64; 4]) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.tick < TICKS {
            steps.push(Step::Tick);
        }
        for (index, machine) in self.machines.iter().enumerate() {
            if machine.pending.is_some() {
                // It does nothing else meanwhile.
                steps.push(Step::Write(index));
                continue;
            }
            if machine.asked < QUESTIONS[index] {
                let masters = 0..self.masters.len();
                let known = masters.filter(|master| self.masters[*master].granter.is_some());
                steps.extend(known.map(|master| Step::Ask {
                    machine: index,
                    master,
                }));
            }
            let answers = self.answers.iter().filter(|(to, _)| *to == index);
            steps.extend(answers.map(|(to, id)| Step::Answer(*to, *id)));
        }
        for (index, master) in self.masters.iter().enumerate() {
            let Some(granter) = &master.granter else {
                if !self.has_master() {
                    steps.push(Step::Promote(index));
                }
                continue;
            };
            if self.changes > 0 {
                steps.push(Step::Lose(index));
            }
            if master.is_taking {
                steps.push(Step::Open(index));
                continue;
            }
            if granter.due(0, self.clock(2 + index, rates)).is_some() {
                steps.push(Step::Take(index));
            }
            let questions = self.questions.iter().filter(|it| it.master == index);
            steps.extend(questions.map(|question| Step::Question(*question)));
        }
        steps
    }

    fn take(&mut self, step: Step, rates: [u64; 4]) {
        match step {
            Step::Tick => self.tick += 1,
            Step::Ask { machine, master } => {
                let now = self.clock(machine, rates);
                let asking = &mut self.machines[machine];
                asking.asked += 1;
                let id = asking.asked;
                asking.lease.expire(now);
                // No other answer counts any more.
                self.answers.retain(|(to, _)| *to != machine);
                let renews = asking.lease.ask(id, LENGTH, now);
                self.questions.insert(Question {
                    machine,
                    master,
                    id,
                    renews,
                });
            }
            Step::Write(index) => {
                let machine = &mut self.machines[index];
                machine.word = machine.pending.take().expect("something is pending");
            }
            Step::Question(question) => self.answer(question, rates),
            Step::Answer(index, id) => {
                let now = self.clock(index, rates);
                let machine = &mut self.machines[index];
                machine.lease.expire(now);
                machine.pending = machine.lease.granted(id, now);
            }
            Step::Take(index) => {
                let now = self.clock(2 + index, rates);
                let master = &mut self.masters[index];
                let granter = master.granter.as_mut().expect("it is master");
                granter.take(SLOT, now);
                master.is_taking = true;
            }
            Step::Open(index) => {
                let master = &mut self.masters[index];
                master.is_open = std::mem::take(&mut master.is_taking);
            }
            Step::Lose(index) => {
                self.changes -= 1;
                self.set(index, None);
            }
            Step::Promote(index) => {
                let now = self.clock(2 + index, rates);
                self.set(index, Some(granter(now)));
            }
        }
    }

    fn answer(&mut self, question: Question, rates: [u64; 4]) {
        let now = self.clock(2 + question.master, rates);
        let master = &mut self.masters[question.master];
        let granter = master.granter.as_mut().expect("it is master");
        let from = Holder {
            slot: SLOT,
            incarnation: question.machine as u64 + 1,
        };
        if let Some(yes) = granter.ask(from, LENGTH, question.renews, now) {
            master.is_open &= !yes.gives_back;
            self.answers.insert((question.machine, question.id));
        }
    }

    fn set(&mut self, index: usize, granter: Option<Granter>) {
        self.masters[index] = Master {
            granter,
            is_taking: false,
            is_open: false,
        };
    }

    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

fn granter(now: Instant) -> Granter {
    Granter::new(&BTreeSet::from([SLOT]), LENGTH, now)
}

/// Walks through every state; counts how often each of the four bore the addresses.
fn explore(rates: [u64; 4]) -> [u64; 4] {
    let first = World::new(rates);
    let mut seen = HashSet::from([first.digest()]);
    let mut todo = vec![first];
    let mut borne = [0; 4];
    while let Some(world) = todo.pop() {
        let open = world.open(rates);
        assert!(
            open.iter().filter(|is_open| **is_open).count() <= 1,
            "two bear the addresses, {open:?}, with clocks {rates:?}: {world:#?}"
        );
        for (count, is_open) in borne.iter_mut().zip(open) {
            *count += u64::from(is_open);
        }
        for step in world.steps(rates) {
            let mut next = world.clone();
            next.take(step, rates);
            if seen.insert(next.digest()) {
                todo.push(next);
            }
        }
    }
    eprintln!("{rates:?}: {} states", seen.len());
    borne
}

#[test]
fn two_never_bear_a_slots_addresses_whatever_is_late_lost_doubled_or_restarted() {
    for rates in [
        [SLOW, SLOW, FAST, FAST],
        [FAST, FAST, SLOW, SLOW],
        [SLOW, FAST, TRUE, TRUE],
    ] {
        let borne = explore(rates);
        assert!(
            borne.iter().all(|times| *times > 0),
            "each of the four bore them at some time: {borne:?}"
        );
    }
}
