//! The grants this node gave: by its kernel to a probe, by its daemon to a vote or to itself.

use std::time::Duration;

use crate::event::{DaemonWords, KernelWords};
use crate::{Epoch, Instant, Slot};

/// Who holds a grant: a slot, in one life of its maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Holder {
    pub(crate) slot: Slot,
    pub(crate) incarnation: u64,
}

/// "No vote for anyone else until `end`."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Grant {
    pub(crate) holder: Holder,
    pub(crate) end: Instant,
}

/// The words that say to whom this node is bound.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Grants {
    pub(crate) kernel: KernelWords,
    pub(crate) promised: Epoch,
    pub(crate) vote_epoch: Epoch,
    vote_incarnation: u64,
    vote_end: Instant,
    released: Epoch,
    /// The end of the probes' grant when the promise was made.
    settled_end: Instant,
}

impl Grants {
    pub(crate) fn new(kernel: KernelWords, daemon: &DaemonWords) -> Self {
        Self {
            kernel,
            promised: daemon.promised,
            vote_epoch: daemon.vote_epoch,
            vote_incarnation: daemon.vote_incarnation,
            vote_end: daemon.vote_grant_end,
            released: daemon.released,
            settled_end: kernel.grant_end,
        }
    }

    /// The kernel's words as they were read behind the promise's barrier.
    ///
    /// A probe below the promise that the kernel met before is in them; of one that it meets later it may
    /// still raise the grant's end before it sees the promise and refuses, and that grant is none.
    pub(crate) const fn settle(&mut self, kernel: &KernelWords) {
        self.settled_end = kernel.grant_end;
    }

    /// The highest epoch promised or probed.
    pub(crate) fn highest(&self) -> Epoch {
        self.promised.max(self.kernel.probed)
    }

    /// The grant to the last accepted probe's sender, over or not; `None` if it was released.
    ///
    /// Released is compared for equality, never for order: a candidate that gives up releases an epoch
    /// above the working master's, and the master's grant must outlive that.
    pub(crate) fn by_probe(&self) -> Option<Grant> {
        let kernel = &self.kernel;
        let end = if kernel.probed < self.promised {
            kernel.grant_end.min(self.settled_end)
        } else {
            kernel.grant_end
        };
        (!kernel.probed.is_none() && kernel.probed != self.released).then(|| Grant {
            holder: Holder {
                slot: kernel.probed.slot(),
                incarnation: kernel.holder_incarnation,
            },
            end,
        })
    }

    /// The grant given by the newest vote, over or not; `None` if it was released.
    pub(crate) fn by_vote(&self) -> Option<Grant> {
        (!self.vote_epoch.is_none() && self.vote_epoch != self.released).then(|| Grant {
            holder: Holder {
                slot: self.vote_epoch.slot(),
                incarnation: self.vote_incarnation,
            },
            end: self.vote_end,
        })
    }

    /// What is left of the longest grant to anybody but `asker`; zero if it could be voted for.
    pub(crate) fn held_against(&self, asker: Holder, now: Instant) -> Duration {
        let foreign = [self.by_probe(), self.by_vote()].into_iter().flatten();
        foreign
            .filter(|grant| grant.holder != asker)
            .map(|grant| grant.end.since(now))
            .max()
            .unwrap_or(Duration::ZERO)
    }

    /// Whether a vote for anybody but `holder` is in force.
    pub(crate) fn is_voted_away_from(&self, holder: Holder, now: Instant) -> bool {
        self.by_vote()
            .is_some_and(|grant| grant.holder != holder && grant.end > now)
    }

    /// When the last of the grants ends, whoever holds it.
    pub(crate) fn end(&self) -> Instant {
        let both = [self.by_probe(), self.by_vote()].into_iter().flatten();
        both.map(|grant| grant.end).max().unwrap_or(Instant::ZERO)
    }

    /// Notes a vote's grant. Returns its end: a grant that the same holder already has is not shortened.
    pub(crate) fn vote(&mut self, epoch: Epoch, incarnation: u64, end: Instant) -> Instant {
        assert!(
            epoch <= self.promised,
            "a vote is given only for an epoch that was promised first"
        );
        let holder = Holder {
            slot: epoch.slot(),
            incarnation,
        };
        let kept = self.by_vote().filter(|grant| grant.holder == holder);
        let end = kept.map_or(end, |grant| grant.end.max(end));
        (self.vote_epoch, self.vote_incarnation, self.vote_end) = (epoch, incarnation, end);
        end
    }

    /// Ends the vote's grant at its holder's word. Returns the incarnation that it was given to.
    pub(crate) fn end_vote(&mut self, now: Instant) -> u64 {
        self.vote_end = now;
        self.vote_incarnation
    }

    /// Whether `holder` gives up a grant by a probe of exactly this epoch.
    pub(crate) fn is_probed_by(&self, epoch: Epoch, holder: Holder) -> bool {
        let kernel = &self.kernel;
        kernel.probed == epoch
            && kernel.holder_incarnation == holder.incarnation
            && epoch.slot() == holder.slot
    }

    /// Whether `holder` gives up a vote for exactly this epoch.
    pub(crate) fn is_voted_for(&self, epoch: Epoch, holder: Holder) -> bool {
        self.vote_epoch == epoch
            && self.vote_incarnation == holder.incarnation
            && epoch.slot() == holder.slot
    }

    /// Notes that `epoch` was given up by its holder.
    pub(crate) const fn release(&mut self, epoch: Epoch) {
        self.released = epoch;
    }

    /// Raises the promise; it never goes down.
    pub(crate) fn promise(&mut self, epoch: Epoch) {
        assert!(epoch > self.promised, "a promise is only ever raised");
        self.promised = epoch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_stands_against_everybody_but_its_holder_until_it_ends() {
        let (epoch, end) = (Epoch::new(5, 1), Instant(51));
        let mut grants = Grants::new(KernelWords::default(), &DaemonWords::default());
        grants.promise(epoch);
        assert_eq!(grants.vote(epoch, 10, end), end);
        let holder = |slot, incarnation| Holder { slot, incarnation };
        assert!(grants.is_voted_away_from(holder(2, 10), Instant(50)));
        assert!(grants.is_voted_away_from(holder(1, 11), Instant(50)));
        assert!(!grants.is_voted_away_from(holder(1, 10), Instant(50)));
        assert!(!grants.is_voted_away_from(holder(2, 10), end));
    }
}
