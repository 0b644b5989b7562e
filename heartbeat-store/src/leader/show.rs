//! What is to be shown of a leadership.

use std::collections::BTreeMap;

use heartbeat_core::Slot;

use super::{Leader, Peer, Stage};
use crate::stamp::Stamp;
use crate::state::Holders;
use crate::status::{Part, Stage as Shown, StoreStatus};

impl Leader {
    /// How far it has come; `None` once it is over.
    pub(crate) fn shown(&self) -> Option<Shown> {
        match &self.stage {
            Stage::Promising if self.answered_holders().is_none() => Some(Shown::Forming),
            Stage::Promising => Some(Shown::Promising),
            Stage::Fetching(_) => Some(Shown::Fetching),
            Stage::Leading(spread) if spread.served().is_none() => Some(Shown::Spreading),
            Stage::Leading(_) => Some(Shown::Serving),
            Stage::Over => None,
        }
    }

    /// All stores.
    pub(crate) fn stores(&self) -> BTreeMap<Slot, StoreStatus> {
        let (holders, newest) = match &self.stage {
            Stage::Leading(spread) => (Some(spread.holders()), Some(spread.newest())),
            Stage::Promising | Stage::Fetching(_) | Stage::Over => (self.answered_holders(), None),
        };
        let shown = |slot| (slot, self.store(slot, holders, newest));
        self.audience().into_iter().map(shown).collect()
    }

    fn store(&self, slot: Slot, holders: Option<&Holders>, newest: Option<Stamp>) -> StoreStatus {
        let peer = self.peers.get(&slot);
        let note = peer.and_then(Peer::note);
        let counts = holders.and_then(|holders| holders.get(&slot));
        let part = match note {
            None => Part::Silent,
            Some(has) if counts == Some(&has.store) && !self.is_set_back(slot, has) => Part::Counts,
            Some(_) => Part::Refilling,
        };
        let lags = |(newest, has): (Stamp, Stamp)| newest.revision.saturating_sub(has.revision);
        StoreStatus {
            part,
            lags: newest.zip(note.map(|note| note.stamp)).map(lags),
            trouble: peer.and_then(|peer| *peer.trouble),
        }
    }
}
