//! What a node knows, for people and for other programs: plain values, published once a turn.

use std::fmt;
use std::time::Duration;

use heartbeat_wire::frame::role;

use crate::electors::{ElectorRecord, ElectorSet, Slots};
use crate::service::ServiceState;
use crate::{Epoch, Instant, Slot};

/// What a node is in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// Not decided yet: it waits for a probe, or for its abstention to end.
    Init,
    /// It follows a master, or waits for one.
    Slave,
    /// It asks for votes.
    Candidate,
    /// It holds the lease.
    Master,
    /// It answers and votes, and never becomes master.
    Witness,
    /// In a pair, it was the last master as far as it knows, and finds out what its peer is.
    IsMaster,
    /// In a pair, neither is master and both could be: they compare when each was active last.
    BattleMaster,
}

impl Role {
    /// The word for it in status, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Slave => "slave",
            Self::Candidate => "candidate",
            Self::Master => "master",
            Self::Witness => "witness",
            Self::IsMaster => "is_master",
            Self::BattleMaster => "battle_master",
        }
    }

    /// The number for it in frames and messages ([`heartbeat_wire::frame::role`]).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Init => role::INIT,
            Self::Slave => role::SLAVE,
            Self::Candidate => role::CANDIDATE,
            Self::Master => role::MASTER,
            Self::Witness => role::WITNESS,
            Self::IsMaster => role::IS_MASTER,
            Self::BattleMaster => role::BATTLE_MASTER,
        }
    }

    /// The role with this number, if there is one.
    #[must_use]
    pub const fn of_number(number: u8) -> Option<Self> {
        match number {
            role::INIT => Some(Self::Init),
            role::SLAVE => Some(Self::Slave),
            role::CANDIDATE => Some(Self::Candidate),
            role::MASTER => Some(Self::Master),
            role::WITNESS => Some(Self::Witness),
            role::IS_MASTER => Some(Self::IsMaster),
            role::BATTLE_MASTER => Some(Self::BattleMaster),
            _ => None,
        }
    }
}

/// What is wrong with a node; see the protocol's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Diagnosis {
    /// Nothing.
    Healthy,
    /// Its configuration digest, or its electors' set, is another one.
    Misconfigured,
    /// Its kernel answers and its daemon does not beat.
    DaemonStalled,
    /// It does not answer on the management network; it does on the business network.
    ManagementFault,
    /// It answers on neither network.
    Down,
    /// It did not answer yet, or nobody could judge.
    Unknown,
    /// Its daemon beats, and its last successful service check is too old.
    ServiceFault,
}

impl Diagnosis {
    /// The word for it in status, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Misconfigured => "misconfigured",
            Self::DaemonStalled => "daemon_stalled",
            Self::ManagementFault => "management_fault",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::ServiceFault => "service_fault",
        }
    }
}

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
        }
    }
}

/// A state of affairs that an operator should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Alarm {
    /// A member does not answer, or is not well.
    Member(Slot, Diagnosis),
    /// Another machine uses this slot.
    DuplicateSlot(Slot),
    /// The clock ran outside the drift guard.
    ClockFault,
    /// No master is known for longer than an election may take.
    NoMaster,
    /// Too few electors answer on the control port.
    NotElectable,
    /// This node is master because an operator forced it: no majority keeps a second master away.
    Forced,
    /// A change of the electors' set does not come to its end.
    ElectorsChange,
    /// The lease rests on the business network, since the management network fails.
    Degraded,
    /// In a pair, the fence command failed: nobody takes the peer's place.
    FenceFailed,
    /// A service of this node is lost, or its promotion hook did not succeed.
    Service,
    /// Mastership would be handed on for a service's sake once more, and was too often of late.
    HandoversSpent,
}

/// Which promise keeps a second master away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Guarantee {
    /// A majority of electors grants the lease.
    Quorum,
    /// An operator's word.
    Forced,
    /// In a pair, evidence that the peer is lost: two masters are possible while both reach the reference and not
    /// each other.
    Evidence,
    /// In a pair, the fence command, which stopped the peer.
    Fenced,
}

impl Guarantee {
    /// The word for it in status, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Forced => "forced",
            Self::Evidence => "evidence",
            Self::Fenced => "fenced",
        }
    }
}

/// One member as this node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberSnapshot {
    /// Which member.
    pub slot: Slot,
    /// Its role as last heard.
    pub role: Role,
    /// Whether it replied of late; `None` when this node cannot know.
    pub healthy: Option<bool>,
    /// What is wrong with it.
    pub diagnosis: Diagnosis,
    /// Round trip of its newest answer.
    pub rtt: Option<Duration>,
    /// When its newest answer (or probe) arrived here.
    pub last_reply: Option<Instant>,
}

/// What a node knows at one point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When.
    pub at: Instant,
    /// This node's role.
    pub role: Role,
    /// Why it has it.
    pub reason: Reason,
    /// Since when.
    pub since: Instant,
    /// The highest epoch known to have been probed or held.
    pub epoch: Epoch,
    /// Who is master, if one is known.
    pub master: Option<Slot>,
    /// What this node's mastership rests on, or that of whoever is master next.
    pub guarantee: Guarantee,
    /// When this node's lease ends, if it is master.
    pub lease_deadline: Option<Instant>,
    /// When the grant it gave ends.
    pub grant_end: Instant,
    /// Who follows if the master is lost.
    pub successor: Option<Slot>,
    /// Whether it could become master now, were the master lost.
    pub electable: bool,
    /// Why not, if not.
    pub not_electable: Option<NotElectable>,
    /// Until when it neither votes nor grants.
    pub abstains_until: Option<Instant>,
    /// When it would ask for votes if no probe comes; `None` while it may not, or needs not.
    pub stands_at: Option<Instant>,
    /// Whether an operator put it into maintenance.
    pub maintenance: bool,
    /// How its services are; `None` where none are watched.
    pub services: Option<ServiceState>,
    /// Electors that answered the last poll (itself included), and how many are a majority.
    pub electors_answering: usize,
    /// How many electors are a majority.
    pub majority: usize,
    /// The electors' sets.
    pub electors: ElectorsSnapshot,
    /// Whether the master's lease rests on the business network, since the management network fails.
    pub degraded: bool,
    /// Every member, itself included, by slot.
    pub members: Vec<MemberSnapshot>,
    /// Alarms in force.
    pub alarms: Vec<Alarm>,
}

/// The electors' sets as one node knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElectorsSnapshot {
    /// What stands on its disk.
    pub record: ElectorRecord,
    /// The change under way, on a master.
    pub change: Option<ChangeSnapshot>,
}

/// A change of the electors' set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeSnapshot {
    /// Where an operator wants to go; `None`: an earlier master's step is brought to its end.
    pub target: Option<ElectorSet>,
    /// The step under way, once it is known.
    pub next: Option<ElectorSet>,
    /// Who agreed to it so far.
    pub agreed: Slots,
    /// Who is needed and does not answer healthily, if that holds it up.
    pub missing: Slots,
    /// When this step began.
    pub since: Instant,
}

/// Why a node could not become master now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotElectable {
    /// It is a witness.
    Witness,
    /// It is no elector.
    NotElector,
    /// An operator put it into maintenance.
    Maintenance,
    /// It restarted without its maps and waits.
    Abstaining,
    /// Its clock is at fault.
    ClockFault,
    /// Another machine uses its slot.
    DuplicateSlot,
    /// Too few electors answer on the control port.
    ControlPort,
    /// It was told to stop.
    Stopping,
    /// A service of it does not work, or was not seen to work yet.
    Service,
    /// Its promotion hook did not succeed.
    NotPromoted,
}
