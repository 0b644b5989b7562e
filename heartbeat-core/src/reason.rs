//! Why a role changed.

use std::fmt;
use std::time::Duration;

use crate::{Epoch, Slot};

/// Why a role changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reason {
    /// The daemon started.
    Started,
    /// The maps of the last run were kept, and its lease still held.
    LeaseTakenUp,
    /// A probe of this master was accepted.
    ProbeHeard(Slot),
    /// No probe for the whole grant, or since the start.
    Orphaned,
    /// The master handed over to this node.
    HandedOver(Slot),
    /// A majority voted for this node.
    Elected,
    /// An operator forced it, without a majority.
    Forced,
    /// Too few electors would vote, or did.
    NotElected,
    /// It gave its vote to this slot.
    VotedFor(Slot),
    /// The lease ended because no majority of electors replied.
    MajorityLost,
    /// The lease ended while this node itself did not run, for so long beyond a turn's time.
    Late(Duration),
    /// A forced lease ended because the daemon did not come to renew it.
    ForcedLapsed,
    /// A higher epoch was probed, or its master sent `promote`.
    HigherEpoch(Epoch),
    /// An operator ordered it, to this slot.
    Switchover(Slot),
    /// An operator put this node into maintenance.
    Maintenance,
    /// The daemon was told to stop.
    Stopped,
    /// The daemon was told to exit for the next process.
    Restarting,
    /// The clock ran faster or slower than the drift guard covers.
    ClockFault,
    /// Another machine uses this node's slot.
    DuplicateSlot,
    /// Another electors' set is in force.
    ElectorsChanged,
    /// In a pair, it was last a slave, or never ran and has the higher slot.
    LastSlave,
    /// In a pair, it was last the master, or never ran and has the lower slot.
    LastMaster,
    /// The peer, in this slot, is a slave, so its vote is asked for.
    PeerIsSlave(Slot),
    /// Neither this node nor the peer, in this slot, is master.
    NoMasterInPair(Slot),
    /// This node was active as master later than the peer in this slot.
    BattleWon(Slot),
    /// The peer, in this slot, was active as master later than this node.
    BattleLost(Slot),
    /// The peer, in this slot, is silent, and all other evidence that is required is there.
    Evidence(Slot),
    /// The peer, in this slot, is silent, and the reference did not answer: this node is the cut-off one.
    CutOff(Slot),
    /// A service of this node failed while it stood.
    ServiceFailed,
    /// A service of this node failed, and its recovery came to nothing.
    ServiceLost,
    /// The hook that makes this node fit to serve did not succeed.
    NotPromoted,
    /// This node is not reachable over the business network, and another one is.
    BusinessLost,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("the daemon started"),
            Self::LeaseTakenUp => f.write_str("restarted, lease taken up"),
            Self::ProbeHeard(slot) => write!(f, "slot {slot} probes as master"),
            Self::Orphaned => f.write_str("no probe came for a whole grant"),
            Self::HandedOver(slot) => write!(f, "slot {slot} handed over"),
            Self::Elected => f.write_str("a majority of electors voted for this node"),
            Self::Forced => f.write_str("an operator forced it, without a majority of electors"),
            Self::NotElected => f.write_str("no majority of electors voted for this node"),
            Self::VotedFor(slot) => write!(f, "this node voted for slot {slot}"),
            Self::MajorityLost => f.write_str("no majority of electors replied for a whole lease"),
            Self::Late(late) => write!(
                f,
                "this node ran {} ms late, longer than its lease had left: its processors were taken",
                late.as_millis()
            ),
            Self::ForcedLapsed => f.write_str(
                "the forced lease ended: this daemon was kept from the processor for longer than that",
            ),
            Self::HigherEpoch(epoch) => write!(
                f,
                "slot {} became master in round {}",
                epoch.slot(),
                epoch.round()
            ),
            Self::Switchover(slot) => write!(f, "switchover to slot {slot}"),
            Self::Maintenance => f.write_str("this node was put into maintenance"),
            Self::Stopped => f.write_str("the daemon was told to stop"),
            Self::Restarting => f.write_str("the daemon was told to restart"),
            Self::ClockFault => f.write_str("the clock ran outside the drift guard"),
            Self::DuplicateSlot => f.write_str("another machine uses this slot"),
            Self::ElectorsChanged => f.write_str("another electors' set is in force"),
            Self::LastSlave => f.write_str("this node was no master before"),
            Self::LastMaster => f.write_str("this node was the master before, or is the first to be"),
            Self::PeerIsSlave(slot) => write!(f, "slot {slot} is a slave, and is asked for its vote"),
            Self::NoMasterInPair(slot) => write!(f, "slot {slot} is no master either"),
            Self::BattleWon(slot) => write!(f, "slot {slot} was master longer ago than this node"),
            Self::BattleLost(slot) => write!(f, "slot {slot} was master later than this node"),
            Self::Evidence(slot) => write!(f, "slot {slot} is silent, and the evidence against it is complete"),
            Self::CutOff(slot) => write!(
                f,
                "slot {slot} is silent and the reference does not answer: this node is cut off"
            ),
            Self::ServiceFailed => f.write_str("a service of this node failed"),
            Self::ServiceLost => {
                f.write_str("a service of this node failed, and its recovery did not help")
            }
            Self::NotPromoted => f.write_str("the hook on_promote of this node did not succeed"),
            Self::BusinessLost => {
                f.write_str("this node is not reachable over the business network, and another one is")
            }
        }
    }
}
