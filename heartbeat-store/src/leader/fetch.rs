//! The newest state comes from a node that has it.

use heartbeat_core::Slot;

use super::{Leader, Peer, Stage};
use crate::bounds::RESEND_MOST;
use crate::change::Batch;
use crate::disk::Rest;
use crate::key::Key;
use crate::message::Ask;
use crate::part;
use crate::recent::Recent;
use crate::replica::Replica;
use crate::stamp::Stamp;
use crate::state::{Entry, State};

/// A state on its way to the leader.
#[derive(Clone, Debug, Hash)]
pub(super) struct Fetching {
    pub(super) source: Slot,
    at: Stamp,
    /// This node's own state, brought up by the batches that have come.
    followed: Option<(State, Recent)>,
    /// Else the entries that have come.
    entries: Vec<(Key, Entry)>,
}

impl Fetching {
    pub(super) const fn new(source: Slot, at: Stamp) -> Self {
        Self {
            source,
            at,
            followed: None,
            entries: Vec::new(),
        }
    }

    /// What the source is asked for next.
    pub(super) fn ask(&self, own: &Replica) -> Ask {
        let followed = self.followed.as_ref();
        Ask::Fetch {
            at: self.at,
            since: followed.map_or(own.stored().state.stamp, |(state, _)| state.stamp),
            after: self.entries.last().map(|(key, _)| key.clone()),
        }
    }

    /// The batches that lead on from this node's own state.
    fn follow(&mut self, batches: &[Batch], own: &Replica) {
        let begin = || (own.stored().state.clone(), own.recent().clone());
        let (state, recent) = self.followed.get_or_insert_with(begin);
        let start = batches.iter().position(|batch| batch.from == state.stamp);
        for batch in start.map_or(&[][..], |start| &batches[start..]) {
            if batch.from == state.stamp && batch.is_sound() && batch.to <= self.at {
                state.apply(batch);
                recent.push(batch);
            }
        }
    }
}

impl Leader {
    pub(super) fn fetched_batches(&mut self, from: Slot, batches: &[Batch], own: &Replica) {
        let Stage::Fetching(fetching) = &mut self.stage else {
            return;
        };
        if fetching.source == from {
            fetching.follow(batches, own);
            let has_come = |(state, _): &mut (State, Recent)| state.stamp == fetching.at;
            if let Some((state, recent)) = fetching.followed.take_if(has_come) {
                self.lead(state, recent);
            }
        }
    }

    pub(super) fn fetched_part(
        &mut self,
        from: Slot,
        after: Option<&Key>,
        entries: Vec<(Key, Entry)>,
        rest: Option<Rest>,
    ) {
        let Stage::Fetching(fetching) = &mut self.stage else {
            return;
        };
        let is_next = fetching.entries.last().map(|(key, _)| key) == after;
        if fetching.source != from || !is_next {
            return;
        }
        fetching.entries.extend(entries);
        if let Some(rest) = rest.filter(|rest| rest.stamp == fetching.at) {
            let entries = std::mem::take(&mut fetching.entries);
            self.lead(part::joined(entries, rest), Recent::default());
        }
    }

    /// The source stands elsewhere than it did: another store is in its place.
    pub(super) fn look_at_source(&mut self, from: Slot) {
        if let Stage::Fetching(fetching) = &self.stage
            && fetching.source == from
        {
            let stamp = self.peers.get(&from).and_then(Peer::note);
            if stamp.is_none_or(|note| note.stamp != fetching.at) {
                self.stage = Stage::Promising;
            }
        }
    }

    /// The source does not answer: it counts as if it never had, until it does again.
    pub(super) fn give_up_source(&mut self) {
        if let Stage::Fetching(fetching) = &self.stage
            && let Some(source) = self.peers.get_mut(&fetching.source)
            && source.waits() >= RESEND_MOST / 4
        {
            *source = Default::default();
            self.stage = Stage::Promising;
        }
    }
}
