//! Which state a leadership takes over.

use std::collections::BTreeSet;

use super::{Leader, Spread, Stage};
use crate::change::Change;
use crate::leader::fetch::Fetching;
use crate::leader::peer::Peer;
use crate::replica::Replica;
use crate::stamp::Stamp;
use crate::state::{Holders, State};
use heartbeat_core::Slot;

/// A state that somebody has, and who counts in it.
struct Newest<'a> {
    slot: Slot,
    stamp: Stamp,
    holders: &'a Holders,
}

impl Leader {
    /// Takes over the newest state, once that is surely not older than anything that was acknowledged.
    pub(super) fn find_basis(&mut self, own: &Replica) {
        if !matches!(self.stage, Stage::Promising) {
            return;
        }
        match self.newest(own) {
            Some(newest) if self.suffices(newest.holders) => {
                let (slot, stamp) = (newest.slot, newest.stamp);
                if own.stored().state.stamp == stamp {
                    self.lead(own.stored().state.clone(), own.recent().clone());
                } else {
                    self.stage = Stage::Fetching(Fetching::new(slot, stamp));
                }
            }
            None if self.may_form() => self.lead(State::default(), Default::default()),
            Some(_) | None => {}
        }
    }

    /// Spreads a state from now on, as its own.
    pub(super) fn lead(&mut self, state: State, recent: crate::recent::Recent) {
        let changes = if state.stamp.is_none() || self.is_forced {
            self.new_holders(&state.holders)
        } else {
            Vec::new()
        };
        self.stage = Stage::Leading(Box::new(Spread::new(self.reign, state, recent, changes)));
    }

    /// Who promised, and said what it has.
    fn promised(&self) -> impl Iterator<Item = (Slot, &Peer)> {
        let said = |(_, peer): &(&Slot, &Peer)| peer.standing.is_some() && peer.holders.is_some();
        self.peers
            .iter()
            .filter(said)
            .map(|(slot, peer)| (*slot, peer))
    }

    /// The newest state that anybody has who promised: this node's own, if others have the same.
    fn newest(&self, own: &Replica) -> Option<Newest<'_>> {
        let states = self.promised().filter_map(|(slot, peer)| {
            Some(Newest {
                slot,
                stamp: peer.standing.as_ref()?.stamp,
                holders: peer.holders.as_ref()?,
            })
        });
        let filled = states.filter(|state| !state.stamp.is_none());
        let own = own.stored().state.stamp;
        filled.max_by_key(|state| (state.stamp, state.slot == self.slot && state.stamp == own))
    }

    /// Who counts in the newest state that anybody has who promised.
    pub(super) fn answered_holders(&self) -> Option<&Holders> {
        let states = self
            .promised()
            .filter_map(|(_, peer)| Some((peer.note()?.stamp, peer)));
        let filled = states.filter(|(stamp, _)| !stamp.is_none());
        let (_, peer) = filled.max_by_key(|(stamp, _)| *stamp)?;
        peer.holders.as_ref()
    }

    /// Whether so many promised of those who count in the newest state that nothing newer was acknowledged.
    fn suffices(&self, holders: &Holders) -> bool {
        let counted = self.counted(holders, |peer| peer.holders.is_some());
        self.is_forced || self.is_enough(holders, &counted)
    }

    /// Whether there never was a state. Two of three that have nothing may be two wiped disks: all must say so.
    fn may_form(&self) -> bool {
        let empty: BTreeSet<Slot> = self.promised().map(|(slot, _)| slot).collect();
        self.electors.is_subset(&empty) || (self.is_forced && !empty.is_empty())
    }

    /// What makes the stores count that have answered, and no others.
    fn new_holders(&self, old: &Holders) -> Vec<Change> {
        let electors = self
            .promised()
            .filter(|(slot, _)| self.electors.contains(slot));
        let stores =
            electors.filter_map(|(slot, peer)| Some((slot, peer.standing.as_ref()?.store)));
        let new: Holders = stores.collect();
        let leave = old.keys().filter(|slot| !new.contains_key(*slot));
        let dismissed = leave.map(|slot| Change::Dismiss { slot: *slot });
        let come = new
            .iter()
            .filter(|(slot, store)| old.get(*slot) != Some(*store));
        let admitted = come.map(|(slot, store)| Change::Admit {
            slot: *slot,
            store: *store,
        });
        dismissed.chain(admitted).collect()
    }
}
