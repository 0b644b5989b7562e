//! What becomes of an operator's order.

use std::fmt;
use std::time::Duration;

use crate::Slot;
use crate::electors::Slots;
use crate::snapshot::Diagnosis;

/// An order that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// This node is master without a majority.
    Forced,
    /// A majority granted the restart's lease: so much of it is left for the next process.
    RestartingAsMaster(Duration),
    /// This node is not master and exits for the next process.
    Restarting,
    /// These electors and this longest lease are in force already.
    ElectorsInForce,
    /// The way to these electors has begun.
    ElectorsChanging(Slots),
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
            Self::Forced => f.write_str(
                "this node is master, by force: until a majority grants again, nothing but your word keeps a second master \
                 away",
            ),
            Self::RestartingAsMaster(left) => write!(
                f,
                "restarting: this node stays master for {} ms, within which the next heartbeatd takes the lease up",
                left.as_millis()
            ),
            Self::Restarting => f.write_str(
                "restarting: this node is not master; its kernel answers until the next heartbeatd starts",
            ),
            Self::ElectorsInForce => f.write_str("the electors are in force as proposed already"),
            Self::ElectorsChanging(slots) => write!(
                f,
                "the change to electors {slots} has begun, one at a time: `heartbeatctl members` shows how far it is"
            ),
        }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// A master is known: nothing is to be forced.
    MasterKnown(Slot),
    /// This node voted or granted, and somebody may still be master by that, for so long.
    Granted(Duration),
    /// This node knows nothing of what it granted before, or is at fault, for so long.
    Abstains(Duration),
    /// This node is in maintenance.
    InMaintenance,
    /// A majority answers, and elects without force.
    MajorityAnswers,
    /// This master rests on an operator's word: nobody could be elected after it.
    IsForced,
    /// No majority granted the lease that a restart needs.
    RestartNotGranted,
    /// Another order came while a restart waited for its lease.
    RestartOvertaken,
    /// A change of the electors is under way.
    ElectorsChanging,
    /// This master would be no elector any more.
    RemovesMaster,
    /// The cluster's lease is longer than the longest one that would be granted.
    LeaseTooLong,
    /// A pair is its two electors: another one, or one less, is another method.
    IsPair,
    /// These do not answer healthily: with the change a majority would be missing, or a new elector.
    ElectorsMissing(Slots),
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
            Self::MasterKnown(slot) => {
                write!(f, "slot {slot} is master: nothing is to be forced")
            }
            Self::Granted(left) => write!(
                f,
                "a grant that this node gave is in force for {} ms more, so somebody may be master by it: wait, then try \
                 again",
                left.as_millis()
            ),
            Self::Abstains(left) => write!(
                f,
                "this node votes and grants nothing for {} ms more (it started without its maps, or is at fault), so \
                 somebody may be master by what it granted before: wait, then try again",
                left.as_millis()
            ),
            Self::InMaintenance => {
                f.write_str("this node is in maintenance: `heartbeatctl maintenance off` ends it")
            }
            Self::MajorityAnswers => f.write_str(
                "a majority of electors answered of late and can elect a master: nothing is to be forced; `heartbeatctl \
                 explain` says what is missing. One that was lost just now is noticed within 12 s",
            ),
            Self::IsForced => f.write_str(
                "mastership is forced here and nobody could be elected after it: bring a majority back first; stopping \
                 the daemon (TERM) ends it",
            ),
            Self::RestartNotGranted => f.write_str(
                "no majority granted restart_lease in time, so this node goes on as master and does not restart: \
                 see `heartbeatctl status`, then try again, or hand mastership over first (`heartbeatctl switchover`)",
            ),
            Self::RestartOvertaken => {
                f.write_str("another order came before the restart was due: it was not carried out")
            }
            Self::NoTarget => {
                f.write_str("no member could take mastership over: see `heartbeatctl status`")
            }
            Self::ElectorsChanging => f.write_str(
                "a change of the electors is under way: `heartbeatctl members` shows how far it is",
            ),
            Self::RemovesMaster => f.write_str(
                "the proposed electors are without this master: hand over first (`heartbeatctl switchover`), then \
                 apply there",
            ),
            Self::LeaseTooLong => f.write_str(
                "the proposed max_lease is shorter than the cluster's lease (period x detect_multiplier): no elector \
                 would grant it",
            ),
            Self::IsPair => f.write_str(
                "a pair keeps its two electors: stop both nodes, give the cluster another `mode`, and start them anew",
            ),
            Self::ElectorsMissing(slots) => write!(
                f,
                "nothing was changed: slot {slots} does not answer healthily with this configuration, and the change \
                 would lose a majority or gain an elector that is missing; cure it (`heartbeatctl status`), or leave \
                 it out"
            ),
        }
    }
}

impl std::error::Error for OrderError {}
