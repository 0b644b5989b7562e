//! The newest batches: for stores that lag a little, and clients that watch.

use std::collections::VecDeque;

use crate::bounds::{BATCH_WEIGHT, RECENT_BATCHES, RECENT_WEIGHT};
use crate::change::{Batch, Change};
use crate::stamp::{Revision, Stamp};

/// The newest batches, each following the one before; at most [`RECENT_BATCHES`], of at most [`RECENT_WEIGHT`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Recent {
    batches: VecDeque<Batch>,
    weight: usize,
}

/// Changes that a client asks for lie too far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the changes after revision {since} are no longer kept; read the whole again, and watch from its revision on"
)]
pub struct Compacted {
    /// The revision after which changes were asked for.
    pub since: Revision,
}

impl Recent {
    pub(crate) fn push(&mut self, batch: &Batch) {
        if self
            .batches
            .back()
            .is_some_and(|last| last.to != batch.from)
        {
            self.batches.clear();
            self.weight = 0;
        }
        self.weight += batch.weight();
        self.batches.push_back(batch.clone());
        while self.weight > RECENT_WEIGHT || self.batches.len() > RECENT_BATCHES {
            let Some(oldest) = self.batches.pop_front() else {
                break;
            };
            self.weight -= oldest.weight();
        }
    }

    /// What follows a state: as many batches as one message holds. Empty: nothing is known to follow it.
    pub(crate) fn after(&self, stamp: Stamp) -> Vec<Batch> {
        let start = self.batches.partition_point(|batch| batch.from < stamp);
        let follows = self
            .batches
            .get(start)
            .is_some_and(|batch| batch.from == stamp);
        if !follows {
            return Vec::new();
        }
        let mut weight = 0;
        let fits = |batch: &&Batch| {
            let is_first = weight == 0;
            weight += batch.weight();
            is_first || weight <= BATCH_WEIGHT
        };
        self.batches
            .range(start..)
            .take_while(fits)
            .cloned()
            .collect()
    }

    /// Whether batches lead from this state to the newest one.
    pub(crate) fn reaches_back_to(&self, stamp: Stamp) -> bool {
        let is_newest = self.batches.back().is_some_and(|newest| newest.to == stamp);
        is_newest || !self.after(stamp).is_empty()
    }

    /// Changes with a revision above `since` and up to `until`, with their stamps.
    pub(crate) fn changes(
        &self,
        since: Revision,
        until: Revision,
    ) -> Result<impl Iterator<Item = (Stamp, &Change)>, Compacted> {
        let oldest = self
            .batches
            .front()
            .map_or(until, |batch| batch.from.revision);
        if since < oldest {
            return Err(Compacted { since });
        }
        let start = self
            .batches
            .partition_point(|batch| batch.to.revision <= since);
        let stamped = self.batches.range(start..).flat_map(|batch| {
            let revisions = batch.from.revision + 1..;
            revisions.zip(&batch.changes).map(|(revision, change)| {
                let reign = batch.to.reign;
                (Stamp { reign, revision }, change)
            })
        });
        Ok(stamped.filter(move |(stamp, _)| stamp.revision > since && stamp.revision <= until))
    }
}
