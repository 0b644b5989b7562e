//! What must always hold, looked at after every step.

use std::collections::{BTreeMap, BTreeSet};

use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::maps::control_flag;

use super::machine::Machine;

/// What was seen so far, and what was wrong.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whose mastership each epoch was.
    masterships: BTreeMap<Epoch, Slot>,
    counted: BTreeMap<Slot, usize>,
    promised: BTreeMap<(Slot, u64), (Epoch, Epoch)>,
    /// Probes that were answered by a reply: by whom, in which life, epoch and sequence number.
    replied: BTreeSet<(Slot, u64, u64, u64)>,
    /// Each violation, in words; the first one ends a test.
    pub(crate) violations: Vec<String>,
    /// Steps at which exactly one gate was open: a test that never saw one proves nothing.
    pub(crate) served: u64,
    /// Steps at which a forced lease ran beside another one.
    pub(crate) forced_beside: u64,
}

impl Watch {
    pub(crate) fn look(&mut self, machines: &BTreeMap<Slot, Machine>, at: u64) {
        self.leases(machines, at);
        self.epochs(machines, at);
    }

    /// S5: only a question is answered.
    pub(crate) fn answered(&mut self, at: u64, slot: Slot, asked: u8, answer: &Frame) {
        let is_question = asked == Kind::Probe as u8 || asked == Kind::Query as u8;
        let is_answer = answer.kind == Kind::Reply as u8 || answer.kind == Kind::Refusal as u8;
        if !is_question || !is_answer {
            self.violations.push(format!(
                "S5 at {} us: slot {slot} answered kind {asked} by kind {}",
                at / 1_000,
                answer.kind
            ));
        }
    }

    /// S5: one probe brings one reply of a node, however often it arrives. A refusal grants nothing.
    pub(crate) fn granted(&mut self, at: u64, (slot, life): (Slot, u64), answer: &Frame) {
        let probe = (slot, life, answer.epoch, answer.sequence);
        if answer.kind == Kind::Reply as u8 && !self.replied.insert(probe) {
            self.violations.push(format!(
                "S5 at {} us: slot {slot} replied twice to {:?}, {}",
                at / 1_000,
                Epoch(answer.epoch),
                answer.sequence
            ));
        }
    }

    /// S1 and S2: at no instant two leases, at no instant two open gates; except that nothing keeps a second
    /// master away from one that an operator forced.
    fn leases(&mut self, machines: &BTreeMap<Slot, Machine>, at: u64) {
        let on = || machines.values().filter(|machine| machine.is_on);
        let holds =
            |machine: &&Machine| machine.kernel.control.lease_deadline_ns > machine.clock.boot(at);
        let is_open = |machine: &&Machine| machine.kernel.gate_is_open(machine.clock.boot(at));
        let leases: Vec<Slot> = on().filter(holds).map(|machine| machine.slot).collect();
        let gates: Vec<Slot> = on().filter(is_open).map(|machine| machine.slot).collect();
        let is_forced =
            |slot: &Slot| machines[slot].kernel.control.flags & control_flag::FORCED != 0;
        let is_named = |slots: &[Slot]| {
            let elected = slots.iter().filter(|slot| !is_forced(slot)).count();
            slots.iter().any(is_forced) && elected <= 1
        };
        self.forced_beside += u64::from(leases.len() > 1 && is_named(&leases));
        if leases.len() > 1 && !is_named(&leases) {
            self.violations.push(format!(
                "S1 at {} us: leases of slots {leases:?}",
                at / 1_000
            ));
        }
        if gates.len() > 1 && !is_named(&gates) {
            self.violations
                .push(format!("S2 at {} us: gates of slots {gates:?}", at / 1_000));
        }
        self.served += u64::from(gates.len() == 1);
    }

    /// S3: no epoch is two masterships', and what a node promised or saw probed never goes down.
    fn epochs(&mut self, machines: &BTreeMap<Slot, Machine>, at: u64) {
        for machine in machines.values() {
            let known = self.counted.entry(machine.slot).or_default();
            for epoch in &machine.taken[(*known).min(machine.taken.len())..] {
                if let Some(other) = self.masterships.insert(*epoch, machine.slot) {
                    let text = format!(
                        "S3 at {} us: {epoch:?} of slots {other} and {}",
                        at / 1_000,
                        machine.slot
                    );
                    self.violations.push(text);
                }
            }
            *known = machine.taken.len();
            let control = &machine.kernel.control;
            let now = (
                Epoch(control.promised_epoch),
                Epoch(machine.kernel.grant.probed_epoch),
            );
            let life = (machine.slot, machine.kernel.config.incarnation);
            let before = self.promised.insert(life, now).unwrap_or_default();
            if now.0 < before.0 || now.1 < before.1 {
                self.violations.push(format!(
                    "S3 at {} us: slot {} went back from {before:?} to {now:?}",
                    at / 1_000,
                    machine.slot
                ));
            }
        }
    }
}
