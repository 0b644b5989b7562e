//! The master's part in a change of the electors: one elector at a time, each step agreed to by majorities of
//! the set before and of the set after.
//!
//! A step is decided as Paxos decides (a ballot is promised, then a set is agreed to in it), by the electors of
//! the set before. What an earlier master may have brought to a majority is brought to its end, never replaced:
//! so at most one set ever follows another, whoever is master.

use std::time::Duration;

use crate::electors::{Accepted, Ballot, ElectorRecord, ElectorSet, Slots};
use crate::message::Message;
use crate::node::Node;
use crate::order::{OrderDone, OrderError};
use crate::snapshot::{Alarm, ChangeSnapshot, Diagnosis};
use crate::stage::Stage;
use crate::{Instant, Slot};

/// Shortest time between two askings of those who did not answer: they write to their disk first.
const LEAST_RESEND: Duration = Duration::from_millis(50);
/// A step that takes longer is an alarm. It goes on all the same: nothing but majorities ends it.
const OVERDUE: Duration = Duration::from_secs(5);
/// A ballot above all: a set known to be in force elsewhere is decided.
const DECIDED: Ballot = Ballot(u64::MAX);

/// A change under way.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Change {
    /// Where the operator wants to go; `None`: only an open step is brought to its end.
    target: Option<ElectorSet>,
    phase: Phase,
    ballot: Ballot,
    /// The highest ballot heard of.
    highest: Ballot,
    /// Other nodes that did what this phase asks for.
    answered: Vec<Slot>,
    /// The set of the highest ballot that anybody agreed to.
    found: Option<Accepted>,
    /// The electors of the set that was in force when the step was decided.
    before: Slots,
    /// Electors that are needed and do not answer healthily.
    missing: Slots,
    resend_at: Instant,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Phase {
    /// Until the lease rests on the set in force.
    Waiting,
    /// A majority of the set in force is to promise the ballot, and to tell what it agreed to before.
    Asking,
    /// Majorities of the set in force and of this one are to agree to it.
    Proposing(ElectorSet),
    /// It is decided, and on its way to this node's disk.
    Entering(ElectorSet),
}

/// What was agreed to in the higher ballot.
fn later(one: Option<Accepted>, other: Option<Accepted>) -> Option<Accepted> {
    let both = [one, other].into_iter().flatten();
    both.max_by_key(|accepted| accepted.ballot)
}

impl Change {
    fn new(target: Option<ElectorSet>, now: Instant) -> Self {
        Self {
            target,
            phase: Phase::Waiting,
            ballot: Ballot::NONE,
            highest: Ballot::NONE,
            answered: Vec::with_capacity(heartbeat_wire::maps::MAX_ELECTORS + 1),
            found: None,
            before: Slots::default(),
            missing: Slots::default(),
            resend_at: now,
            since: now,
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.answered.clear();
        self.resend_at = now;
    }

    fn note(&mut self, slot: Slot) {
        if !self.answered.contains(&slot) {
            self.answered.push(slot);
        }
    }

    /// Who is still to be asked: the electors of both sets that did not answer.
    fn asked(&self, set: &ElectorSet, own: Slot) -> Vec<Slot> {
        let next = match self.phase {
            Phase::Proposing(next) => next.slots,
            Phase::Waiting | Phase::Asking | Phase::Entering(_) => Slots::default(),
        };
        let added = next.iter().filter(|slot| !set.slots.contains(*slot));
        let open = |slot: &Slot| *slot != own && !self.answered.contains(slot);
        set.slots.iter().chain(added).filter(open).collect()
    }

    /// Whether a majority of `set` did what this phase asks for, `own` included.
    fn has_majority(&self, set: &ElectorSet, own: Slot) -> bool {
        let did = |slot| slot == own || self.answered.contains(&slot);
        set.slots.count(did) >= set.majority()
    }
}

impl Node {
    /// An operator wants other electors.
    pub(crate) fn change_electors(
        &mut self,
        target: &ElectorSet,
        now: Instant,
    ) -> Result<OrderDone, OrderError> {
        let Stage::Master(mastership) = &self.stage else {
            return Err(OrderError::NotMaster {
                master: self.known_master(now),
            });
        };
        let set = self.electors.record.in_force;
        if mastership.change.is_some() || self.electors.record.accepted.is_some() {
            return Err(OrderError::ElectorsChanging);
        }
        if let Some(stranger) = target
            .slots
            .iter()
            .find(|slot| !self.config.members.contains_key(slot))
        {
            return Err(OrderError::NotAMember(stranger));
        }
        if !target.slots.contains(self.config.slot) {
            return Err(OrderError::RemovesMaster);
        }
        if self.pair.is_some() && target.slots != set.slots {
            return Err(OrderError::IsPair);
        }
        if target.max_lease < self.config.timing.lease() {
            return Err(OrderError::LeaseTooLong);
        }
        if set.is_like(target) {
            return Ok(OrderDone::ElectorsInForce);
        }
        let mut at = set;
        while let Some(next) = at.step_towards(target) {
            let missing = self.missing_for(&at, &next);
            if !missing.is_empty() {
                return Err(OrderError::ElectorsMissing(missing));
            }
            at = next;
        }
        if let Stage::Master(mastership) = &mut self.stage {
            mastership.change = Some(Box::new(Change::new(Some(*target), now)));
        }
        self.run_change(now);
        Ok(OrderDone::ElectorsChanging(target.slots))
    }

    /// Who keeps the step from `set` to `next` from being begun: the one that is to be added, or so many others
    /// that a majority of one of the two would be missing.
    fn missing_for(&self, set: &ElectorSet, next: &ElectorSet) -> Slots {
        let is_well = |slot: Slot| {
            slot == self.config.slot
                || self
                    .detector
                    .member(slot)
                    .is_some_and(|member| member.diagnosis() == Diagnosis::Healthy)
        };
        let added = next.slots.iter().find(|slot| !set.slots.contains(*slot));
        let is_short = |set: &ElectorSet| set.slots.count(is_well) < set.majority();
        let mut missing = Slots::default();
        for slot in added.into_iter().filter(|slot| !is_well(*slot)) {
            missing.insert(slot);
        }
        for short in [set, next].into_iter().filter(|set| is_short(set)) {
            for slot in short.slots.iter().filter(|slot| !is_well(*slot)) {
                missing.insert(slot);
            }
        }
        missing
    }

    /// Goes on with the change as far as it can: once a turn, and whenever something was saved or answered.
    pub(crate) fn run_change(&mut self, now: Instant) {
        self.begin_settling(now);
        let record = self.electors.record;
        let (is_saving, own) = (self.electors.is_saving(), self.config.slot);
        let is_restarting = self.restart.is_some();
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        let is_renewed = mastership.is_renewed_in_set;
        // Neither a higher round nor a restart is cut short, and no lease is longer than the set allows.
        let is_elected = mastership.forced.is_none();
        let is_steady = mastership.attempt.is_none() && !is_restarting && is_elected;
        let left = mastership.lease.deadline.since(now);
        let Some(change) = &mut mastership.change else {
            return;
        };
        let is_overdue = now.since(change.since) > OVERDUE;
        let (phase, ballot) = (change.phase, change.ballot);
        if !is_saving {
            match phase {
                // A majority granted to a probe by this set: with it in force on that majority's disks as well
                // (they answer by it below), no lease and no majority is left of the set before it.
                Phase::Waiting if is_renewed && is_elected && !record.is_proposed => {
                    self.ask_for_ballot(now);
                }
                Phase::Waiting => {}
                Phase::Asking if record.promised != ballot => change.enter(Phase::Waiting, now),
                Phase::Asking => {
                    let is_decided = change.found.is_some_and(|found| found.ballot == DECIDED);
                    if is_decided || change.has_majority(&record.in_force, own) {
                        self.propose(now);
                    } else {
                        self.resend(now);
                    }
                }
                Phase::Proposing(set) if record.accepted != Some(Accepted { ballot, set }) => {
                    change.enter(Phase::Waiting, now);
                }
                Phase::Proposing(set) => {
                    let is_agreed = change.has_majority(&record.in_force, own)
                        && change.has_majority(&set, own);
                    if is_agreed && is_steady && left <= set.max_lease {
                        change.before = record.in_force.slots;
                        change.enter(Phase::Entering(set), now);
                        self.save_electors(record.with_in_force(set), 0, now);
                    } else {
                        self.resend(now);
                    }
                }
                Phase::Entering(set) if record.in_force == set => self.entered(now),
                Phase::Entering(_) => change.enter(Phase::Waiting, now),
            }
        }
        let is_under_way =
            matches!(&self.stage, Stage::Master(mastership) if mastership.change.is_some());
        self.set_alarm(Alarm::ElectorsChange, is_under_way && is_overdue);
    }

    /// A step that an earlier master began, and that somebody agreed to, is brought to its end.
    fn begin_settling(&mut self, now: Instant) {
        let is_open = self.electors.record.accepted.is_some();
        if let Stage::Master(mastership) = &mut self.stage
            && mastership.change.is_none()
            && is_open
        {
            mastership.change = Some(Box::new(Change::new(None, now)));
        }
    }

    fn ask_for_ballot(&mut self, now: Instant) {
        let (record, own) = (self.electors.record, self.config.slot);
        let Some(change) = self.change() else {
            return;
        };
        change.found = later(change.found, record.accepted);
        change.ballot = change.highest.max(record.promised).next(own);
        change.enter(Phase::Asking, now);
        let ballot = change.ballot;
        self.save_electors(record.with_promise(ballot, None), 0, now);
    }

    /// A majority promised the ballot: propose what was found, or the operator's next step.
    fn propose(&mut self, now: Instant) {
        let record = self.electors.record;
        let Some(change) = self.change() else {
            return;
        };
        let found = change.found.map(|found| found.set);
        let found = found.filter(|set| set.may_follow(&record.in_force));
        let target = change.target;
        let wanted = target.and_then(|target| record.in_force.step_towards(&target));
        let Some(set) = found.or(wanted) else {
            if let Stage::Master(mastership) = &mut self.stage {
                mastership.change = None;
            }
            return;
        };
        let missing = self.missing_for(&record.in_force, &set);
        let Some(change) = self.change() else {
            return;
        };
        change.missing = missing;
        if found.is_none() && !missing.is_empty() {
            // Nobody agreed to anything yet: nothing is begun that cannot be brought to its end now.
            return;
        }
        let ballot = change.ballot;
        change.enter(Phase::Proposing(set), now);
        self.save_electors(record.with_promise(ballot, Some(set)), 0, now);
    }

    /// The next set is in force here: tell everybody, and go on.
    fn entered(&mut self, now: Instant) {
        let set = self.electors.record.in_force;
        let Some(change) = self.change() else {
            return;
        };
        let before = change.before;
        let is_reached = change.target.is_none_or(|target| set.is_like(&target));
        let target = change.target;
        if let Stage::Master(mastership) = &mut self.stage {
            mastership.change = (!is_reached).then(|| Box::new(Change::new(target, now)));
        }
        let added = set.slots.iter().filter(|slot| !before.contains(*slot));
        for slot in before.iter().chain(added) {
            if slot != self.config.slot {
                self.tell_set(slot);
            }
        }
        self.electors.tell_at_once();
    }

    /// Asks those who did not answer yet.
    fn resend(&mut self, now: Instant) {
        let (set, own) = (self.electors.record.in_force, self.config.slot);
        let pause = LEAST_RESEND.max(self.config.timing.period * 2);
        let Some(change) = self.change() else {
            return;
        };
        if change.resend_at > now {
            return;
        }
        change.resend_at = now + pause;
        let next = match change.phase {
            Phase::Proposing(next) => Some(next),
            Phase::Waiting | Phase::Asking | Phase::Entering(_) => None,
        };
        let ballot = change.ballot;
        let asked = change.asked(&set, own);
        for to in asked {
            self.send(to, Message::Electors { set, ballot, next });
        }
    }

    /// What stands on another node's disk, as far as the change is concerned.
    pub(crate) fn note_state(&mut self, from: Slot, state: &ElectorRecord, now: Instant) {
        let record = self.electors.record;
        let is_same = state.in_force == record.in_force;
        let is_next = !state.is_proposed && state.in_force.may_follow(&record.in_force);
        let Stage::Master(mastership) = &mut self.stage else {
            return;
        };
        if mastership.change.is_none() {
            if !(is_next || is_same && state.accepted.is_some()) {
                return;
            }
            mastership.change = Some(Box::new(Change::new(None, now)));
        }
        let Some(change) = &mut mastership.change else {
            return;
        };
        if is_next {
            // In force there, so it is decided.
            let (ballot, set) = (DECIDED, state.in_force);
            change.found = Some(Accepted { ballot, set });
            match change.phase {
                Phase::Proposing(proposed) if proposed == set => change.note(from),
                Phase::Proposing(_) => change.enter(Phase::Waiting, now),
                Phase::Waiting | Phase::Asking | Phase::Entering(_) => {}
            }
        } else if is_same {
            change.highest = change.highest.max(state.promised);
            let is_agreed = |set: &ElectorSet| {
                state.accepted.is_some_and(|accepted| {
                    accepted.ballot == change.ballot && accepted.set == *set
                })
            };
            match change.phase {
                Phase::Asking if state.promised == change.ballot => {
                    change.found = later(change.found, state.accepted);
                    change.note(from);
                }
                Phase::Proposing(set) if is_agreed(&set) => change.note(from),
                Phase::Asking | Phase::Proposing(_) if state.promised > change.ballot => {
                    // Another master's ballot: ask with a higher one.
                    change.enter(Phase::Waiting, now);
                }
                Phase::Waiting | Phase::Asking | Phase::Proposing(_) | Phase::Entering(_) => {}
            }
        }
        self.run_change(now);
    }

    fn change(&mut self) -> Option<&mut Change> {
        match &mut self.stage {
            Stage::Master(mastership) => mastership.change.as_deref_mut(),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => None,
        }
    }

    /// The change under way, for people.
    pub(crate) fn change_snapshot(&self) -> Option<ChangeSnapshot> {
        let Stage::Master(mastership) = &self.stage else {
            return None;
        };
        let change = mastership.change.as_ref()?;
        let set = self.electors.record.in_force;
        let wanted = change.target.and_then(|target| set.step_towards(&target));
        let (next, agreed) = match change.phase {
            Phase::Proposing(next) | Phase::Entering(next) => {
                let others = change.answered.iter().copied();
                let agreed = Slots::new(others.chain([self.config.slot]));
                (Some(next), agreed.unwrap_or_default())
            }
            Phase::Waiting | Phase::Asking => {
                let found = change.found.map(|found| found.set);
                (found.or(wanted), Slots::default())
            }
        };
        let missing = next.map_or(change.missing, |next| self.missing_for(&set, &next));
        Some(ChangeSnapshot {
            target: change.target,
            next,
            agreed,
            missing,
            since: change.since,
        })
    }
}
