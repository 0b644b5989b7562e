//! What must hold in each state and of each step.

use std::fmt;

use heartbeat_core::snapshot::Reason;
use heartbeat_core::{Epoch, Slot};
use heartbeat_wire::frame::{Frame, Kind};

use crate::machine::Machine;
use crate::packet::Packet;

/// What must never happen, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// S1: two leases at one time.
    Leases(Slot, Slot),
    /// S2: two open gates at one time.
    Gates(Slot, Slot),
    /// S3: a promise or a probed epoch went down.
    WentBack(Slot),
    /// S3: two masterships of one epoch.
    EpochTwice(Epoch),
    /// S3: a mastership that was over went on.
    Revived(Epoch),
    /// S5: an answer brought another frame.
    AnswerToAnswer,
    /// S5: one probe brought two replies of one node.
    RepliedTwice(Slot),
    /// S6: an epoch counts as probed in which nobody was master.
    ProbedOfNobody(Slot, Epoch),
    /// S6: a mastership ended while its lease held, for no epoch in which somebody was master.
    EndedForNobody(Epoch),
    /// The core's own assertion failed.
    Assertion(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leases(one, other) => write!(f, "S1: slots {one} and {other} both hold a lease"),
            Self::Gates(one, other) => write!(f, "S2: slots {one} and {other} both pass traffic"),
            Self::WentBack(slot) => write!(f, "S3: an epoch of slot {slot} went down"),
            Self::EpochTwice(epoch) => write!(f, "S3: two masterships of {epoch:?}"),
            Self::Revived(epoch) => write!(f, "S3: {epoch:?} was over and goes on"),
            Self::AnswerToAnswer => f.write_str("S5: an answer brought a frame"),
            Self::RepliedTwice(slot) => write!(f, "S5: slot {slot} replied twice to one probe"),
            Self::ProbedOfNobody(slot, epoch) => {
                write!(
                    f,
                    "S6: slot {slot} takes {epoch:?} as probed, and nobody was master in it"
                )
            }
            Self::EndedForNobody(epoch) => {
                write!(
                    f,
                    "S6: {epoch:?} ended while its lease held, for no epoch in which somebody was master"
                )
            }
            Self::Assertion(text) => write!(f, "an assertion of the core: {text}"),
        }
    }
}

/// What a step is judged by: words that never go down in one life of the maps, and the lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    deadline_ns: u64,
    life: u64,
    promised: u64,
    probed: u64,
    end_ns: u64,
}

impl Words {
    pub(crate) const fn of(machine: &Machine) -> Self {
        Self {
            deadline_ns: machine.kernel.control.lease_deadline_ns,
            life: machine.kernel.config.incarnation,
            promised: machine.kernel.control.promised_epoch,
            probed: machine.kernel.grant.probed_epoch,
            end_ns: machine.kernel.grant.end_ns,
        }
    }
}

pub(crate) fn went_back(before: Words, machine: &Machine) -> Result<(), Violation> {
    let now = Words::of(machine);
    let is_lower =
        now.promised < before.promised || now.probed < before.probed || now.end_ns < before.end_ns;
    if now.life == before.life && is_lower {
        return Err(Violation::WentBack(machine.slot));
    }
    Ok(())
}

/// S1, S2, and that what counts as probed was somebody's mastership.
pub(crate) fn look<'a>(
    machines: impl Iterator<Item = &'a Machine>,
    begun: &[Epoch],
    at: u32,
) -> Result<(), Violation> {
    let (mut lease, mut gate) = (None, None);
    for machine in machines {
        let now_ns = machine.now(at).0;
        if machine.kernel.control.lease_deadline_ns > now_ns
            && let Some(other) = lease.replace(machine.slot)
        {
            return Err(Violation::Leases(other, machine.slot));
        }
        if machine.kernel.gate_is_open(now_ns)
            && let Some(other) = gate.replace(machine.slot)
        {
            return Err(Violation::Gates(other, machine.slot));
        }
        let probed = Epoch(machine.kernel.grant.probed_epoch);
        if !probed.is_none() && !begun.contains(&probed) {
            return Err(Violation::ProbedOfNobody(machine.slot, probed));
        }
    }
    Ok(())
}

/// S6: a mastership ends at its lease's end, at an order, by a fault of its own node, or for an epoch in which
/// somebody was master. Whether it was the last. What the core calls the reason is not believed: a master that was
/// late says so, whatever it found.
pub(crate) fn ended(
    begun: &[Epoch],
    machine: &Machine,
    at: u32,
    before: Words,
    (epoch, reason): (Epoch, Reason),
) -> Result<bool, Violation> {
    let is_lost = matches!(
        reason,
        Reason::HigherEpoch(_) | Reason::Late(_) | Reason::MajorityLost
    );
    if !is_lost {
        return Ok(false);
    }
    if begun.iter().any(|begun| *begun > epoch) {
        return Ok(true);
    }
    // A gate that was shut in a step before is the same end.
    let is_over = before.deadline_ns <= machine.now(at).0;
    if is_over {
        Ok(false)
    } else {
        Err(Violation::EndedForNobody(epoch))
    }
}

/// S5: only questions are answered, and only by answers.
pub(crate) fn answers_a_question(asked: &Frame, answer: &Packet) -> Result<(), Violation> {
    let is_question = asked.kind == Kind::Probe as u8 || asked.kind == Kind::Query as u8;
    let is_answer = answer.is_of(Kind::Reply) || answer.is_of(Kind::Refusal);
    if is_question && is_answer {
        Ok(())
    } else {
        Err(Violation::AnswerToAnswer)
    }
}
