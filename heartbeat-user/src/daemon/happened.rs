//! What happened to this node since the daemon's start, counted for its metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heartbeat_core::Instant;
use heartbeat_core::snapshot::{Reason, Role};

use crate::metrics::{Begun, Ended, Happened};
use crate::pulse::Stamps;

/// Counted by the scribe; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Happenings(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    counted: Happened,
    /// How the mastership begins for which this node stands, or began that it has.
    by: Option<Begun>,
}

impl Happenings {
    /// This node's role changed.
    pub(super) fn role_changed(&self, from: Role, to: Role, reason: Reason) {
        let mut inner = self.lock();
        *inner.counted.roles.entry(to.as_str()).or_default() += 1;
        if from == Role::Master {
            *inner.counted.ended.entry(ended(reason)).or_default() += 1;
        }
        inner.by = begins(to, reason, inner.by);
        if let (Role::Master, Some(by)) = (to, inner.by) {
            *inner.counted.begun.entry(by).or_default() += 1;
        }
    }

    /// It holds the addresses. How long the cluster was without them is counted only where a master was lost.
    pub(super) fn took_over(&self, stamps: &Stamps) {
        let mut inner = self.lock();
        if inner.by != Some(Begun::Election) {
            return;
        }
        let since = |at: Instant| passed(stamps.last_probe, at);
        let (elected, announced) = (since(stamps.elected), since(stamps.announced));
        if let Some(took) = elected {
            inner.counted.until_elected.count(took);
        }
        if let Some(took) = announced {
            inner.counted.until_announced.count(took);
        }
    }

    /// So many notes of the pulse did not arrive.
    pub(super) fn notes_lost(&self, count: u64) {
        self.lock().counted.notes_lost += count;
    }

    /// All of it.
    pub(super) fn counted(&self) -> Happened {
        self.lock().counted.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Numbers, each whole by itself: a panic elsewhere leaves nothing that misleads.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From one step to another, if both were.
fn passed(from: Instant, to: Instant) -> Option<Duration> {
    (from != Instant::ZERO && to > from).then(|| to.since(from))
}

/// How a mastership begins for which a node stands, or which it takes, for this reason; `stood`: how one would have
/// begun for which it stood until now.
fn begins(to: Role, reason: Reason, stood: Option<Begun>) -> Option<Begun> {
    match (to, reason) {
        (Role::Candidate, Reason::HandedOver(_)) => Some(Begun::Handover),
        (Role::Master, Reason::Forced) => Some(Begun::Forced),
        (Role::Master, Reason::LeaseTakenUp) => Some(Begun::TakenUp),
        (Role::Candidate, _) => Some(Begun::Election),
        (Role::Master, _) => stood.or(Some(Begun::Election)),
        (Role::Init | Role::Slave | Role::Witness | Role::IsMaster | Role::BattleMaster, _) => None,
    }
}

/// How a mastership ends for this reason.
const fn ended(reason: Reason) -> Ended {
    match reason {
        Reason::HandedOver(_)
        | Reason::Switchover(_)
        | Reason::Maintenance
        | Reason::Stopped
        | Reason::Restarting
        | Reason::ElectorsChanged
        | Reason::ServiceFailed
        | Reason::ServiceLost
        | Reason::BusinessLost
        | Reason::NotPromoted => Ended::Order,
        Reason::Started
        | Reason::LeaseTakenUp
        | Reason::ProbeHeard(_)
        | Reason::Orphaned
        | Reason::Elected
        | Reason::Forced
        | Reason::NotElected
        | Reason::VotedFor(_)
        | Reason::MajorityLost
        | Reason::Late(_)
        | Reason::ForcedLapsed
        | Reason::HigherEpoch(_)
        | Reason::ClockFault
        | Reason::DuplicateSlot
        | Reason::LastSlave
        | Reason::LastMaster
        | Reason::PeerIsSlave(_)
        | Reason::NoMasterInPair(_)
        | Reason::BattleWon(_)
        | Reason::BattleLost(_)
        | Reason::Evidence(_)
        | Reason::CutOff(_) => Ended::Loss,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps() -> Stamps {
        Stamps {
            last_probe: Instant(1_000_000_000),
            elected: Instant(1_060_000_000),
            announced: Instant(1_120_000_000),
            ..Stamps::default()
        }
    }

    #[test]
    fn an_election_after_a_lost_master_is_counted_with_how_long_it_took() {
        let happenings = Happenings::default();
        happenings.role_changed(Role::Slave, Role::Candidate, Reason::Orphaned);
        happenings.role_changed(Role::Candidate, Role::Master, Reason::Elected);
        happenings.took_over(&stamps());
        let counted = happenings.counted();
        assert_eq!(counted.roles["candidate"], 1);
        assert_eq!(counted.begun[&Begun::Election], 1);
        let mut expected = Happened::default().until_elected;
        expected.count(Duration::from_millis(60));
        assert_eq!(counted.until_elected, expected);
        expected = Happened::default().until_announced;
        expected.count(Duration::from_millis(120));
        assert_eq!(counted.until_announced, expected);
    }

    #[test]
    fn a_handover_is_no_failover_and_neither_is_a_first_mastership() {
        let happenings = Happenings::default();
        happenings.role_changed(Role::Slave, Role::Candidate, Reason::HandedOver(1));
        happenings.role_changed(Role::Candidate, Role::Master, Reason::Elected);
        happenings.took_over(&stamps());
        happenings.role_changed(Role::Master, Role::Slave, Reason::Switchover(1));
        happenings.role_changed(Role::Slave, Role::Candidate, Reason::Orphaned);
        happenings.role_changed(Role::Candidate, Role::Master, Reason::Elected);
        happenings.took_over(&Stamps {
            last_probe: Instant::ZERO,
            ..stamps()
        });
        let counted = happenings.counted();
        assert_eq!(counted.begun[&Begun::Handover], 1);
        assert_eq!(counted.begun[&Begun::Election], 1);
        assert_eq!(counted.ended[&Ended::Order], 1);
        assert_eq!(counted.until_elected, Happened::default().until_elected);
        assert_eq!(counted.until_announced, Happened::default().until_announced);
    }

    #[test]
    fn a_mastership_that_ends_without_an_order_was_lost() {
        let happenings = Happenings::default();
        happenings.role_changed(Role::Init, Role::Master, Reason::LeaseTakenUp);
        happenings.role_changed(Role::Master, Role::Slave, Reason::MajorityLost);
        let counted = happenings.counted();
        assert_eq!(counted.begun[&Begun::TakenUp], 1);
        assert_eq!(counted.ended[&Ended::Loss], 1);
    }
}
