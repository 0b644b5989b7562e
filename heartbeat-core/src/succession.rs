//! Who follows a lost master, and when this node would stand.

use std::time::Duration;

use crate::node::Node;
use crate::stage::Stage;
use crate::{Epoch, Instant, Slot};

/// Most leases that a node whose masterships no reply ever renewed waits before it stands again.
const MOST_FUTILE_LEASES: u32 = 100;

/// What is known of the last mastership, and what keeps this node from standing after it.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Succession {
    /// The newest mastership known: probed here, or held by this node.
    pub(crate) mastered: Epoch,
    /// Whom its master named to follow; 0 for nobody.
    pub(crate) heir: Slot,
    /// Not to stand before: the first wait for a probe, a release, a pause.
    pub(crate) not_before: Instant,
    /// Masterships in a row that no majority of replies ever renewed.
    pub(crate) futile: u32,
}

impl Succession {
    pub(crate) const fn after(not_before: Instant) -> Self {
        Self {
            mastered: Epoch::NONE,
            heir: 0,
            not_before,
            futile: 0,
        }
    }

    /// Notes whom the master of `epoch` named to follow it.
    pub(crate) fn follow(&mut self, epoch: Epoch, heir: Slot) {
        if epoch >= self.mastered {
            (self.mastered, self.heir) = (epoch, heir);
        }
    }

    /// How long to wait after one more mastership that no reply ever renewed: votes pass where probes
    /// do not, and this node would only win and lose again for ever.
    pub(crate) fn futile_pause(&mut self, lease: Duration) -> Duration {
        self.futile = (self.futile + 1).min(MOST_FUTILE_LEASES);
        let leases = 1_u32
            .checked_shl(self.futile)
            .map_or(MOST_FUTILE_LEASES, |n| n.min(MOST_FUTILE_LEASES));
        lease * leases
    }
}

impl Node {
    /// When this node would stand if no probe comes; `None` while it may not.
    pub(crate) fn stands_at(&self) -> Option<Instant> {
        let waits = matches!(self.stage, Stage::Init | Stage::Slave);
        if !waits || !self.may_stand() {
            return None;
        }
        let free = self
            .heard_until()
            .max(self.abstention.until)
            .max(self.succession.not_before);
        Some(free + self.rank_pause())
    }

    /// Whether nothing but time keeps this node from standing.
    pub(crate) fn may_stand(&self) -> bool {
        let is_free =
            !self.maintenance && !self.stopping && self.services.not_electable().is_none();
        is_free
            && !self.electors.is_adopting()
            && self.roster.is_heir(self.config.slot)
            && self.rounds.next(self.config.slot).is_some()
    }

    /// Until when somebody else is master as far as this node can tell: its grants, and a lease from
    /// the last probe's arrival on (a probe that names another electors' set is granted nothing, and
    /// still is a master's).
    pub(crate) fn heard_until(&self) -> Instant {
        let granted = self.grants.end();
        match self.grants.by_probe() {
            Some(_) => granted.max(self.grants.kernel.arrival + self.config.timing.lease()),
            None => granted,
        }
    }

    /// How long this node lets others go first.
    ///
    /// Before the first mastership that it knows of it lets each lower slot have `max_lease`: machines that
    /// are switched on together come up apart, and nobody waits for a service that never ran yet. Who is not
    /// reachable over the business network lets all others go first: where nobody is, they keep their order.
    pub(crate) fn rank_pause(&self) -> Duration {
        let each = if self.succession.mastered.is_none() {
            self.config.timing.max_lease
        } else {
            self.config.timing.rank_pause()
        };
        let behind = if self.is_off_business() {
            self.roster.heirs.len()
        } else {
            0
        };
        each * u32::try_from(self.rank() + behind).unwrap_or(u32::MAX)
    }

    /// How many go before this node: the named successor is first, then the others by slot, and last who was
    /// lost.
    fn rank(&self) -> usize {
        let own = self.place(self.config.slot);
        self.roster
            .heirs
            .iter()
            .filter(|slot| self.place(**slot) < own)
            .count()
    }

    fn place(&self, slot: Slot) -> (bool, bool, Slot) {
        let is_lost = self.is_lost(slot);
        (is_lost, is_lost || slot != self.succession.heir, slot)
    }

    /// Whether `slot` was master, or was voted for since, and is not heard of any more.
    fn is_lost(&self, slot: Slot) -> bool {
        let voted = self.grants.vote_epoch;
        slot == self.succession.mastered.slot()
            || (voted > self.succession.mastered && slot == voted.slot())
    }
}
