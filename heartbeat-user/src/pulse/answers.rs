//! The members' answers, read from the kernel's per-CPU records at the pace each needs.

use std::io;

use heartbeat_core::event::{Heard, Reply};
use heartbeat_core::{Config, ElectorSet, Slot};
use heartbeat_wire::maps::REPLIES_CHUNK;

use super::convert::reply;
use crate::datapath::{HeardWords, MergedReply, Replies};

/// Chunks of other members' records that are read at a time, once a period: all of 10,000 members in a second and
/// a half at the default period.
const CHUNKS_PER_READ: usize = 4;

/// Whose answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The electors', which the lease rests on.
    Electors,
    /// Theirs, and some others' in rotation.
    SomeOthersToo,
}

/// What the members answered. The electors' records are read every turn, since the lease rests on
/// them. Of the other members one word each is read every turn, whether they answered; what they say is read in
/// rotation, so that a turn's cost hardly grows with the cluster.
#[derive(Debug)]
pub struct Answers {
    source: Replies,
    words: HeardWords,
    electors: Vec<MergedReply>,
    others: Vec<MergedReply>,
    next_other: usize,
    newest: Vec<Reply>,
    heard: Vec<Heard>,
}

impl Answers {
    /// Room for every member but this node.
    #[must_use]
    pub fn new(source: Replies, words: HeardWords, config: &Config) -> Self {
        let (electors, others) = entries(config);
        let mut answers = Self {
            source,
            words,
            electors,
            others,
            next_other: 0,
            newest: Vec::with_capacity(config.members.len()),
            heard: Vec::with_capacity(config.members.len()),
        };
        answers.begin_anew();
        answers
    }

    /// Others are members now. What those that stay answered stays.
    pub(super) fn enrol(&mut self, config: &Config) {
        let mut known: Vec<MergedReply> = (self.electors.drain(..))
            .chain(self.others.drain(..))
            .collect();
        known.sort_unstable_by_key(|entry| entry.slot);
        let (electors, others) = entries(config);
        let stays = |entry: &mut MergedReply| {
            if let Ok(place) = known.binary_search_by_key(&entry.slot, |known| known.slot) {
                *entry = known[place];
            }
        };
        (self.electors, self.others) = (electors, others);
        self.electors.iter_mut().for_each(stays);
        self.others.iter_mut().for_each(stays);
        self.begin_anew();
    }

    /// Who the others are has changed: they are read from the first one on.
    fn begin_anew(&mut self) {
        self.next_other = 0;
        self.words.watch(self.others.iter().map(|entry| entry.slot));
        self.heard.clear();
        self.heard.reserve(self.others.len());
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
        self.begin_anew();
    }

    /// Reads what is needed now.
    ///
    /// # Errors
    /// What bpf(2) answers; the answers of the last turn then stand, and age.
    pub(super) fn read(&mut self, whose: Whose) -> io::Result<()> {
        self.source.read(&mut self.electors)?;
        self.newest.clear();
        self.newest.extend(answered(&self.electors));
        let chunks = match whose {
            Whose::Electors => 0,
            Whose::SomeOthersToo => self.others.len().min(CHUNKS_PER_READ),
        };
        for _ in 0..chunks {
            let first = self.next_other;
            let chunk_of = |entry: &MergedReply| usize::from(entry.slot) / REPLIES_CHUNK;
            let chunk = chunk_of(&self.others[first]);
            let rest = &mut self.others[first..];
            let length = rest.partition_point(|entry| chunk_of(entry) == chunk);
            let read = &mut rest[..length];
            self.source.read(read)?;
            self.newest.extend(answered(read));
            self.next_other = (first + length) % self.others.len();
            if self.next_other == 0 {
                // A chunk is told once in a read.
                break;
            }
        }
        Ok(())
    }

    /// The newest answers that were read just now, of members that answered at least once: all electors', and some
    /// others'.
    pub(super) fn newest(&self) -> &[Reply] {
        &self.newest
    }

    /// A member's newest answer, as it was last read.
    pub(super) fn newest_of(&self, slot: Slot) -> Option<Reply> {
        let of = |entries: &'_ [MergedReply]| {
            let place = entries.binary_search_by_key(&slot, |entry| entry.slot);
            place.ok().map(|place| entries[place])
        };
        let entry = of(&self.electors).or_else(|| of(&self.others))?;
        (entry.reply.count > 0).then(|| reply(&entry))
    }

    /// The members that are no electors and answered since this was asked last.
    pub(super) fn heard(&mut self) -> &[Heard] {
        self.heard.clear();
        let heard = &mut self.heard;
        self.words
            .take(|slot, sequence| heard.push(Heard { slot, sequence }));
        heard
    }
}

fn answered(entries: &[MergedReply]) -> impl Iterator<Item = Reply> {
    let answered = entries.iter().filter(|entry| entry.reply.count > 0);
    answered.map(reply)
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
