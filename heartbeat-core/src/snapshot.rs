//! What a node knows, for people and for other programs: plain values, published once a turn.

use std::time::Duration;

use crate::electors::{ElectorRecord, ElectorSet, Slots};
pub use crate::reason::Reason;
pub use crate::role::Role;
use crate::service::ServiceState;
use crate::{Epoch, Instant, Slot};

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
    /// All else is well, and it is not reachable over the business network.
    BusinessFault,
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
            Self::BusinessFault => "business_fault",
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
    /// Mastership would be handed on for a fault's sake once more, and was too often of late.
    HandoversSpent,
    /// This node, which is master, is not reachable over the business network.
    Business,
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
    /// On a master: since when it replies, or does not.
    pub since: Option<Instant>,
}

/// Who bears the addresses of a slot that go by a lease, as a master knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// The slot's own machine: this master granted it a lease, which is over then by this node's clock.
    Itself(Instant),
    /// This master in its place, since then.
    Master(Instant),
    /// Nobody: the lease is over, and the master did not take the addresses over yet.
    Nobody,
    /// Whoever was granted a lease by a master before, until then at the latest.
    Unknown(Instant),
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
    /// When the own slot's lease ends; `None` while it has none, or its addresses need none.
    pub slot_lease: Option<Instant>,
    /// On a master: who bears the addresses of each slot that go by a lease.
    pub bearers: Vec<(Slot, Bearer)>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_diagnosis_has_a_word_of_its_own() {
        let words = [
            Diagnosis::Healthy,
            Diagnosis::Misconfigured,
            Diagnosis::DaemonStalled,
            Diagnosis::ManagementFault,
            Diagnosis::Down,
            Diagnosis::Unknown,
            Diagnosis::ServiceFault,
            Diagnosis::BusinessFault,
        ]
        .map(Diagnosis::as_str);
        assert_eq!(
            words
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            words.len()
        );
        assert_eq!(words[1], "misconfigured");
    }
}
