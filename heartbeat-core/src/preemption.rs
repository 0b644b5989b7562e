//! Giving mastership back to a lower slot, where the operator wants that.

use crate::node::Node;
use crate::release::Tell;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Instant, Slot};

impl Node {
    /// Hands mastership to a lower slot that could take it for `preempt_after` on end. Whether it did.
    pub(crate) fn preempt(&mut self, now: Instant) -> bool {
        let Some(after) = self.config.preempt_after else {
            return false;
        };
        let lower = self.lower_slot(now);
        let Stage::Master(mastership) = &mut self.stage else {
            return false;
        };
        if mastership.forced.is_some() {
            // Nobody could be elected after it.
            return false;
        }
        mastership.lower_since = lower.map(|slot| match mastership.lower_since {
            Some((known, since)) if known == slot => (slot, since),
            Some(_) | None => (slot, now),
        });
        match mastership.lower_since {
            Some((slot, since)) if now.since(since) >= after => {
                self.demote(Reason::Switchover(slot), Tell::Electors(slot), now);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The successor, if its slot is below this node's: the successor is the lowest that could follow at once.
    fn lower_slot(&self, now: Instant) -> Option<Slot> {
        let lowest = self
            .detector
            .successor(&self.roster.heirs, &self.config, now)?;
        // Who handed on for its place on the business network is not found at fault at once.
        let is_known = self.detector.is_reach_known(lowest, &self.config);
        (lowest < self.config.slot && is_known).then_some(lowest)
    }
}
