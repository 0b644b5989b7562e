//! What must always hold, looked at after every step, of the machine that did something.

use std::collections::{BTreeMap, BTreeSet};

use heartbeat_core::snapshot::Guarantee;
use heartbeat_core::{Epoch, Slot};
use heartbeat_kernel_twin::Passage;
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::maps::control_flag;

use crate::machine::Machine;

/// What was seen so far, and what was wrong.
#[derive(Debug, Default)]
pub struct Watch {
    /// Whose mastership each epoch was.
    masterships: BTreeMap<Epoch, Slot>,
    seen: BTreeMap<Slot, Seen>,
    replied: Replied,
    /// Machines whose lease deadline is not zero: nobody else can hold one.
    holders: Vec<Slot>,
    /// Each violation, in words; the first one ends a test.
    pub violations: Vec<String>,
    /// Steps of a machine whose gate was open then: a test that never saw one proves nothing.
    pub served: u64,
    /// Steps at which a forced lease ran beside another one.
    pub forced_beside: u64,
    /// Steps at which the lease of a machine whose clocks had stood still ran beside another one, which is the
    /// one case that the protocol leaves to it.
    pub excused_beside: u64,
    /// Steps at which two leases of a pair ran that both rested on evidence: the one case that the pair method names.
    pub excepted_beside: u64,
}

impl Watch {
    /// Looks at `machine`, one of `machines`, which did something at true time `at`. A lease begins, and a gate
    /// opens, only by something that its own machine does, so the others' need no look.
    pub(crate) fn look(&mut self, machine: &Machine, machines: &BTreeMap<Slot, Machine>, at: u64) {
        self.leases(machine, machines, at);
        self.masterships_begin(machine, machines, at);
        self.epochs(machine, at);
    }

    /// Slots whose lease deadline is not zero.
    #[must_use]
    pub fn holders(&self) -> &[Slot] {
        &self.holders
    }

    /// S5: only a question is answered.
    pub(crate) fn answered(&mut self, at: u64, slot: Slot, passage: &Passage) {
        let is_question = matches!(passage.kind, Kind::Probe | Kind::Query);
        let kind = passage.frame.kind;
        let is_answer = kind == Kind::Reply as u8 || kind == Kind::Refusal as u8;
        if !is_question || !is_answer {
            self.violations.push(format!(
                "S5 at {} us: slot {slot} answered a {:?} by kind {kind}",
                at / 1_000,
                passage.kind
            ));
        }
    }

    /// S5: one probe brings one reply of a node, however often it arrives. A refusal grants nothing.
    pub(crate) fn granted(&mut self, at: u64, (slot, life): (Slot, u64), answer: &Frame) {
        let probe = (slot, life, answer.epoch, answer.sequence);
        if answer.kind == Kind::Reply as u8 && !self.replied.is_first(probe) {
            self.violations.push(format!(
                "S5 at {} us: slot {slot} replied twice to {:?}, {}",
                at / 1_000,
                Epoch(answer.epoch),
                answer.sequence
            ));
        }
    }

    /// S1 and S2: at no instant two leases, at no instant two open gates; except that nothing keeps a second
    /// master away from one that an operator forced, that a machine whose clocks stood still goes by them, and
    /// that both of a pair may reach the reference and not each other.
    fn leases(&mut self, machine: &Machine, machines: &BTreeMap<Slot, Machine>, at: u64) {
        let slot = machine.slot;
        let is_holder = machine.is_on && machine.kernel.control.lease_deadline_ns > 0;
        match (
            is_holder,
            self.holders.iter().position(|held| *held == slot),
        ) {
            (true, None) => self.holders.push(slot),
            (false, Some(place)) => drop(self.holders.swap_remove(place)),
            (true, Some(_)) | (false, None) => {}
        }
        if !is_holder || !holds(machine, at) {
            return;
        }
        self.served += u64::from(is_open(machine, at));
        let others = self.holders.iter().filter(|other| **other != slot);
        for other in others.map(|other| &machines[other]) {
            if !holds(other, at) {
                continue;
            }
            if is_forced(machine) || is_forced(other) {
                self.forced_beside += 1;
            } else if is_excused(machine, at) || is_excused(other, at) {
                self.excused_beside += 1;
            } else if is_overtaken(machine) || is_overtaken(other) {
                // The newer one of the named case was heard, so that the older one's gate is shut.
            } else if is_by_evidence(machine) && is_by_evidence(other) {
                self.excepted_beside += 1;
            } else {
                let gates = if is_open(machine, at) && is_open(other, at) {
                    " and S2: both gates are open"
                } else {
                    ""
                };
                self.violations.push(format!(
                    "S1 at {} us: leases of slots {slot} and {}{gates}",
                    at / 1_000,
                    other.slot
                ));
            }
        }
    }

    /// S3: no mastership begins below one that a majority has on its disks, where its number was or may have been
    /// handed out.
    fn masterships_begin(
        &mut self,
        machine: &Machine,
        machines: &BTreeMap<Slot, Machine>,
        at: u64,
    ) {
        // One goes by an operator's word alone, the other by clocks that stood still while its votes came.
        if is_forced(machine) || is_excused(machine, at) {
            return;
        }
        let known = self.seen.get(&machine.slot).map_or(0, |seen| seen.taken);
        for epoch in &machine.taken[known.min(machine.taken.len())..] {
            for (later, _) in self
                .masterships
                .range(*epoch..)
                .skip_while(|(later, _)| *later == epoch)
            {
                let saved = machine.record.in_force.slots.iter().filter(|slot| {
                    machines
                        .get(slot)
                        .is_some_and(|machine| machine.floor >= *later)
                });
                if saved.count() >= machine.record.in_force.majority() {
                    self.violations.push(format!(
                        "S3 at {} us: mastership {epoch:?} begins below {later:?}, which a majority has saved",
                        at / 1_000
                    ));
                }
            }
        }
    }

    /// S3: no epoch is two masterships', and what a node promised or saw probed never goes down.
    fn epochs(&mut self, machine: &Machine, at: u64) {
        let seen = self.seen.entry(machine.slot).or_default();
        for epoch in &machine.taken[seen.taken.min(machine.taken.len())..] {
            if let Some(other) = self.masterships.insert(*epoch, machine.slot) {
                self.violations.push(format!(
                    "S3 at {} us: {epoch:?} of slots {other} and {}",
                    at / 1_000,
                    machine.slot
                ));
            }
        }
        let (control, grant) = (&machine.kernel.control, &machine.kernel.grant);
        let now = Seen {
            taken: machine.taken.len(),
            incarnation: machine.kernel.config.incarnation,
            promised: Epoch(control.promised_epoch),
            probed: Epoch(grant.probed_epoch),
        };
        let before = std::mem::replace(seen, now);
        let is_one_life = before.incarnation == now.incarnation;
        if is_one_life && (now.promised < before.promised || now.probed < before.probed) {
            self.violations.push(format!(
                "S3 at {} us: slot {} went back from {before:?} to {now:?}",
                at / 1_000,
                machine.slot
            ));
        }
    }
}

/// Probes that were answered by a reply: by whom, in which life, epoch and sequence number. The last thousands
/// are kept, which is longer than anything is under way.
#[derive(Debug, Default)]
struct Replied {
    recent: BTreeSet<(Slot, u64, u64, u64)>,
    older: BTreeSet<(Slot, u64, u64, u64)>,
}

impl Replied {
    const MOST: usize = 8_192;

    fn is_first(&mut self, probe: (Slot, u64, u64, u64)) -> bool {
        if self.recent.len() >= Self::MOST {
            self.older = std::mem::take(&mut self.recent);
        }
        !self.older.contains(&probe) && self.recent.insert(probe)
    }
}

/// What a machine had taken, promised and seen probed.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    taken: usize,
    incarnation: u64,
    promised: Epoch,
    probed: Epoch,
}

fn holds(machine: &Machine, at: u64) -> bool {
    machine.is_on && machine.kernel.control.lease_deadline_ns > machine.clock.boot(at)
}

fn is_open(machine: &Machine, at: u64) -> bool {
    machine.is_on && machine.kernel.gate_is_open(machine.clock.boot(at))
}

/// What the protocol leaves to a machine whose clocks stood still: the rest of its lease by them.
const fn is_excused(machine: &Machine, at: u64) -> bool {
    machine.clock.boot(at) < machine.excused_until
}

fn is_by_evidence(machine: &Machine) -> bool {
    machine.guarantee == Guarantee::Evidence
}

/// A lease by evidence whose epoch is over, as its own kernel knows: the gate is shut for good.
fn is_overtaken(machine: &Machine) -> bool {
    let (control, grant) = (&machine.kernel.control, &machine.kernel.grant);
    is_by_evidence(machine) && grant.probed_epoch > control.lease_epoch
}

const fn is_forced(machine: &Machine) -> bool {
    machine.kernel.control.flags & control_flag::FORCED != 0
}
