//! What the kernel heard from others: probes accepted, and another machine in our slot.

use crate::event::KernelWords;
use crate::node::Node;
use crate::release::Tell;
use crate::snapshot::Reason;
use crate::stage::Stage;
use crate::{Instant, Slot};

impl Node {
    /// The kernel's words, read anew.
    pub(crate) fn on_words(&mut self, words: KernelWords, now: Instant) {
        self.grants.kernel = words;
        // Each mastership heard of is a floor for this node's own rounds, also after a power cut.
        self.raise_floor(words.probed);
        if self.grants.by_probe().is_some() {
            // Once a master gave its epoch up, its release says who follows, and its last probe no more.
            self.succession.follow(words.probed, words.successor);
        }
        self.check_duplicate(now);
        self.hear_probe();
        let heard = self.hears(now);
        match (&self.stage, heard) {
            (Stage::Master(mastership), _) if words.probed > mastership.lease.epoch => {
                let reason = self.cause_of_loss(Reason::HigherEpoch(words.probed), now);
                self.demote(reason, Tell::Nobody, now);
            }
            (Stage::Candidate(_), Some(slot)) => self.end_candidacy(Reason::ProbeHeard(slot), now),
            (Stage::Init | Stage::Undecided(_), Some(slot)) => {
                let change =
                    self.take_stage(Stage::Slave, Reason::ProbeHeard(slot), words.probed, now);
                self.push(change);
            }
            (Stage::Init | Stage::Undecided(_) | Stage::Candidate(_), None) => {}
            (Stage::Slave | Stage::Master(_) | Stage::Witness, _) => {}
        }
    }

    /// Whose probe is in force here, if it is another node's.
    pub(crate) fn hears(&self, now: Instant) -> Option<Slot> {
        let grant = self.grants.by_probe()?;
        let is_fresh = now
            < grant
                .end
                .max(self.grants.kernel.arrival + self.config.timing.lease());
        (is_fresh && grant.holder.slot != self.config.slot).then_some(grant.holder.slot)
    }

    /// Who is master as far as this node can tell.
    pub(crate) fn known_master(&self, now: Instant) -> Option<Slot> {
        match &self.stage {
            Stage::Master(_) => Some(self.config.slot),
            Stage::Init
            | Stage::Slave
            | Stage::Candidate(_)
            | Stage::Undecided(_)
            | Stage::Witness => self.hears(now),
        }
    }
}
