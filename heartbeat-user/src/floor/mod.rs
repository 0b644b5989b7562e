//! The highest epoch that this node knows of, on its disk, and how many of the electors' disks have it too.
//!
//! No vote is given for an epoch at or below the one on a node's disk. So an epoch that a majority of the electors' disks
//! have is never any later mastership's, whoever loses power: that is what makes it a fencing token. Nothing of it is
//! waited for by the election.

mod gather;
mod own;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use heartbeat_core::{Epoch, Slot};
use tokio::sync::watch;

use crate::datapath::Words;
use crate::peer::{CallError, Kind, Peers};
use crate::state::{StateError, StateFolder};
use own::Own;

pub use gather::Held;
use gather::{Basis, Lack, gather};

/// How long an elector may take to have it on its disk, before it is asked again.
const ANSWERS: Duration = Duration::from_secs(1);
/// The same with the way there and back.
const ANSWERED: Duration = Duration::from_millis(1500);

/// The floors of this node and of the electors; cheap to clone.
#[derive(Clone)]
pub struct Floors {
    slot: Slot,
    own: Own,
    peers: Peers,
    basis: watch::Sender<Basis>,
}

impl Floors {
    /// Those of this node, which has `saved` on its disk, and of these electors, which may be a pair. Others are told what is on this disk from
    /// now on.
    #[must_use]
    pub fn start(
        slot: Slot,
        (electors, is_pair): (BTreeSet<Slot>, bool),
        state: StateFolder,
        saved: Epoch,
        words: &Words,
        peers: &Peers,
    ) -> Self {
        let words = words.clone();
        let known = move || Epoch(words.control().epoch_floor);
        let own = Own::new(state, saved, known);
        let asked = own.clone();
        peers.answer(Kind::Floor, move |_, body| {
            let own = asked.clone();
            async move {
                let epoch = postcard::from_bytes(&body).map_err(|error| error.to_string())?;
                own.has(epoch, ANSWERS).await.map(|()| Bytes::new())
            }
        });
        Self {
            slot,
            own,
            peers: peers.clone(),
            basis: watch::Sender::new(Basis::of(electors, is_pair)),
        }
    }

    /// Has it on this node's disk when it returns, unless a higher one is there.
    ///
    /// # Errors
    /// When it is not there.
    pub fn save(&self, epoch: Epoch) -> Result<(), StateError> {
        self.own.save(epoch)
    }

    /// Other electors' disks count from now on.
    pub fn electors(&self, electors: BTreeSet<Slot>) {
        self.basis.send_modify(|basis| basis.electors = electors);
    }

    /// In a pair: whether this node serves without the other, by evidence that it is lost. Its own disk is enough then.
    pub fn alone(&self, is_alone: bool) {
        self.basis.send_modify(|basis| basis.is_alone = is_alone);
    }

    /// Whether the daemon in this slot is known to be dead or frozen while its kernel answers. In a pair its disk is not
    /// waited for then.
    pub fn stalled(&self, slot: Slot, is_stalled: bool) {
        self.basis.send_modify(|basis| {
            if is_stalled {
                basis.stalled.insert(slot);
            } else {
                basis.stalled.remove(&slot);
            }
        });
    }

    /// Whether this node is master by an operator's word. Its own disk is enough then.
    pub fn forced(&self, is_forced: bool) {
        self.basis.send_modify(|basis| basis.is_forced = is_forced);
    }

    /// Waits until enough disks have this epoch of this node's. Meanwhile `tell` hears from time to time which slot's has
    /// not, and why.
    pub async fn hold(&self, epoch: Epoch, tell: impl Fn(Slot, String)) -> Held {
        let body = postcard::to_allocvec(&epoch).expect("a number can be written");
        let (slot, own, peers) = (self.slot, self.own.clone(), self.peers.clone());
        let body = Bytes::from(body);
        let ask = move |of: Slot| {
            let (own, peers, body) = (own.clone(), peers.clone(), body.clone());
            async move {
                if of == slot {
                    return own.has(epoch, ANSWERS).await.map_err(Lack::Told);
                }
                match peers.call(of, Kind::Floor, body, ANSWERED).await {
                    Ok(_) => Ok(()),
                    Err(CallError::Refused { why, .. }) => Err(Lack::Told(why)),
                    Err(error) => Err(Lack::Silent(error.to_string())),
                }
            }
        };
        gather(slot, self.basis.subscribe(), ask, tell).await
    }
}

impl std::fmt::Debug for Floors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Floors")
            .field("slot", &self.slot)
            .field("basis", &*self.basis.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Floors {
    /// For other modules' tests: those of a node that votes alone, with nothing on its disk. `known` is the election's
    /// floor.
    pub(crate) fn of_one(
        slot: Slot,
        state: StateFolder,
        known: impl Fn() -> Epoch + Send + Sync + 'static,
    ) -> Self {
        let nobody = crate::peer::Membership {
            cluster: 0,
            slot,
            port: 0,
            keys: Vec::new(),
            places: Vec::new(),
            members: std::collections::BTreeMap::new(),
        };
        Self {
            slot,
            own: Own::new(state, Epoch::NONE, known),
            peers: Peers::start(nobody, tokio::runtime::Handle::current()),
            basis: watch::Sender::new(Basis::of(BTreeSet::from([slot]), false)),
        }
    }
}
