//! The members' answers, read from the kernel's per-CPU records at the pace each needs.

use std::io;

use heartbeat_core::event::Reply;
use heartbeat_core::{Config, ElectorSet, Slot};
use heartbeat_wire::maps::REPLIES_CHUNK;

use super::convert::reply;
use crate::datapath::{MergedReply, Replies};

/// What the members answered. The electors' records are read every turn, since the lease rests on
/// them; of the other members' one chunk of 64 a turn, in rotation, so that a turn's cost does not
/// grow with the cluster.
#[derive(Debug)]
pub struct Answers {
    source: Replies,
    electors: Vec<MergedReply>,
    others: Vec<MergedReply>,
    next_other: usize,
    newest: Vec<Reply>,
}

impl Answers {
    /// Room for every member but this node.
    #[must_use]
    pub fn new(source: Replies, config: &Config) -> Self {
        let (electors, others) = entries(config);
        Self {
            source,
            electors,
            others,
            next_other: 0,
            newest: Vec::with_capacity(config.members.len()),
        }
    }

    /// Others are members now. What those that stay answered stays.
    pub(super) fn enrol(&mut self, config: &Config) {
        let known: Vec<MergedReply> = (self.electors.drain(..))
            .chain(self.others.drain(..))
            .collect();
        let (electors, others) = entries(config);
        let stays = |entry: &mut MergedReply| {
            if let Some(known) = known.iter().find(|known| known.slot == entry.slot) {
                *entry = *known;
            }
        };
        (self.electors, self.others) = (electors, others);
        self.electors.iter_mut().for_each(stays);
        self.others.iter_mut().for_each(stays);
        self.next_other = 0;
    }

    /// Members became electors, or are none any more: each is read at its new pace, and what it answered stays.
    pub(super) fn regroup(&mut self, set: &ElectorSet) {
        let mut all: Vec<MergedReply> = self
            .electors
            .drain(..)
            .chain(self.others.drain(..))
            .collect();
        all.sort_unstable_by_key(|entry| entry.slot);
        let is_elector = |entry: &MergedReply| set.slots.contains(entry.slot);
        (self.electors, self.others) = all.into_iter().partition(is_elector);
        self.next_other = 0;
    }

    /// Reads what this turn needs.
    ///
    /// # Errors
    /// What bpf(2) answers; the answers of the last turn then stand, and age.
    pub(super) fn read(&mut self) -> io::Result<()> {
        self.source.read(&mut self.electors)?;
        if !self.others.is_empty() {
            let chunk = usize::from(self.others[self.next_other].slot) / REPLIES_CHUNK;
            let is_in_chunk =
                |entry: &MergedReply| usize::from(entry.slot) / REPLIES_CHUNK == chunk;
            let from = &mut self.others[self.next_other..];
            let length = from.iter().take_while(|entry| is_in_chunk(entry)).count();
            self.source.read(&mut from[..length])?;
            self.next_other = (self.next_other + length) % self.others.len();
        }
        self.newest.clear();
        let answered = self
            .electors
            .iter()
            .chain(&self.others)
            .filter(|entry| entry.reply.count > 0);
        self.newest.extend(answered.map(reply));
        Ok(())
    }

    /// The newest answer of every member that answered at least once.
    pub(super) fn newest(&self) -> &[Reply] {
        &self.newest
    }
}

/// An entry for every member but this node: the electors', and the others'.
fn entries(config: &Config) -> (Vec<MergedReply>, Vec<MergedReply>) {
    let others = config.members.keys().filter(|slot| **slot != config.slot);
    let entry = |slot: &Slot| MergedReply {
        slot: *slot,
        ..MergedReply::default()
    };
    others
        .map(entry)
        .partition(|entry| config.is_elector(entry.slot))
}
