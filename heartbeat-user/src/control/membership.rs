//! What `heartbeatctl members` shows: who is a member, whose votes count, what the configuration file proposes,
//! and how far a change is.

use heartbeat_core::snapshot::{ChangeSnapshot, Snapshot};
use heartbeat_core::{ElectorSet, Slot, Slots};
use serde::{Deserialize, Serialize};

use super::snapshot::{MemberStatus, Status};

/// The members and the electors' sets as one node knows them. Durations are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// [`super::SCHEMA`].
    pub schema: u32,
    /// The asked node's slot.
    pub slot: Slot,
    /// Who is master, and changes the electors; null when none is known.
    pub master_slot: Option<Slot>,
    /// Every member, by slot.
    pub members: Vec<MemberStatus>,
    /// The set in force here.
    pub in_force: Electors,
    /// Whether it was taken from the configuration file and no mastership by it is known yet.
    pub unconfirmed: bool,
    /// The next set, if this node agreed to one that is not known to be in force.
    pub agreed_to: Option<Electors>,
    /// The change under way, as its master knows it; null elsewhere.
    pub change: Option<Change>,
    /// What the configuration file proposes now; null if it cannot be read as one.
    pub proposal: Option<Electors>,
    /// Whether that differs from the set in force.
    pub proposal_differs: bool,
    /// Why the file proposes nothing, or cannot be applied as it is.
    pub proposal_fault: Option<String>,
}

/// One electors' set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Electors {
    /// Its version; 0 for one that is only proposed.
    pub version: u32,
    /// Whose answers and votes count, ascending.
    pub slots: Vec<Slot>,
    /// Longest lease that a grant is given for.
    pub max_lease_us: u64,
}

/// A change of the electors under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where the operator wants to go; null when an earlier master's step is brought to its end.
    pub target: Option<Electors>,
    /// The step under way; null while it is not known.
    pub next: Option<Electors>,
    /// Who agreed to it so far.
    pub agreed: Vec<Slot>,
    /// Who is needed and does not answer healthily.
    pub missing: Vec<Slot>,
    /// How long this step has been under way.
    pub age_us: u64,
}

impl Membership {
    /// The membership of the node whose `status` and `snapshot` these are. `proposal`: what its configuration file
    /// proposes now, or why it proposes nothing.
    #[must_use]
    pub fn new(status: Status, snapshot: &Snapshot, proposal: Result<ElectorSet, String>) -> Self {
        let record = &snapshot.electors.record;
        let (proposal, proposal_fault) = match proposal {
            Ok(set) => (Some(set), None),
            Err(fault) => (None, Some(fault)),
        };
        let change = |change: &ChangeSnapshot| Change {
            target: change.target.as_ref().map(Electors::of),
            next: change.next.as_ref().map(Electors::of),
            agreed: list(&change.agreed),
            missing: list(&change.missing),
            age_us: us(snapshot.at.since(change.since)),
        };
        Self {
            schema: status.schema,
            slot: status.slot,
            master_slot: status.master_slot,
            members: status.members,
            in_force: Electors::of(&record.in_force),
            unconfirmed: record.is_proposed,
            agreed_to: record.next().map(Electors::of),
            change: snapshot.electors.change.as_ref().map(change),
            proposal_differs: proposal.is_some_and(|set| !set.is_like(&record.in_force)),
            proposal: proposal.as_ref().map(Electors::of),
            proposal_fault,
        }
    }
}

impl Electors {
    /// The set as operators see it.
    #[must_use]
    pub fn of(set: &ElectorSet) -> Self {
        Self {
            version: set.version,
            slots: list(&set.slots),
            max_lease_us: us(set.max_lease),
        }
    }
}

fn list(slots: &Slots) -> Vec<Slot> {
    slots.iter().collect()
}

fn us(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
