//! What becomes of an operator's order.

use std::fmt;

use crate::Slot;
use crate::snapshot::Diagnosis;

/// An order that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderDone {
    /// Mastership was handed to this slot, which is voted in next.
    HandedTo(Slot),
    /// Mastership was given up, and there was nobody to hand it to.
    Released,
    /// This node is in maintenance.
    MaintenanceOn,
    /// This node may become master again.
    MaintenanceOff,
    /// This node was not master and stops.
    Stopping,
}

impl fmt::Display for OrderDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandedTo(slot) => write!(f, "mastership was handed to slot {slot}"),
            Self::Released => f.write_str("mastership was given up; no member could take it"),
            Self::MaintenanceOn => {
                f.write_str("this node does not become master until maintenance ends")
            }
            Self::MaintenanceOff => f.write_str("this node may become master again"),
            Self::Stopping => f.write_str("this node was not master and stops"),
        }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// Only the master can hand mastership over.
    NotMaster {
        /// Who is, if one is known.
        master: Option<Slot>,
    },
    /// The target is the master already.
    AlreadyMaster,
    /// The target is no member.
    NotAMember(Slot),
    /// The target is a witness or no elector: it never becomes master.
    NeverMaster(Slot),
    /// The target does not answer, or is not well.
    Unwell(Slot, Diagnosis),
    /// The target is well, and says that it may not become master now (maintenance, restart, a fault of
    /// its clock or its slot).
    NotEligible(Slot),
    /// No member could take mastership over.
    NoTarget,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMaster { master: Some(slot) } => {
                write!(
                    f,
                    "this node is not master, slot {slot} is: give the order there"
                )
            }
            Self::NotMaster { master: None } => f.write_str(
                "this node is not master, and no master is known: see `heartbeatctl explain`",
            ),
            Self::AlreadyMaster => f.write_str("this node is master already"),
            Self::NotAMember(slot) => write!(f, "slot {slot} is no member of this cluster"),
            Self::NeverMaster(slot) => write!(
                f,
                "slot {slot} never becomes master: it is a witness or no elector"
            ),
            Self::Unwell(slot, Diagnosis::Unknown) => {
                write!(
                    f,
                    "it is not known yet how slot {slot} is: try again in a second"
                )
            }
            Self::Unwell(slot, diagnosis) => {
                write!(
                    f,
                    "slot {slot} is {}: cure it first, or name another slot",
                    diagnosis.as_str()
                )
            }
            Self::NotEligible(slot) => write!(
                f,
                "slot {slot} may not become master now: `heartbeatctl explain` there says why"
            ),
            Self::NoTarget => {
                f.write_str("no member could take mastership over: see `heartbeatctl status`")
            }
        }
    }
}

impl std::error::Error for OrderError {}
