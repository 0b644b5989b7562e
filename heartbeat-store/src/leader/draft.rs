//! Writes that go together: each sees what those before it will have changed.

use std::collections::BTreeMap;

use crate::bounds::{ENTRIES, STATE_BYTES};
use crate::change::Change;
use crate::key::Key;
use crate::stamp::Revision;
use crate::state::{State, taken};
use crate::write::{Expect, Outcome, Refusal, Write};

/// Changes that are being gathered.
pub(super) struct Draft<'a> {
    state: &'a State,
    /// The keys that change, with what will be left of their entries.
    changed: BTreeMap<Key, Option<Left>>,
    changes: Vec<Change>,
    weight: usize,
    bytes: u64,
    entries: usize,
}

/// What matters of an entry to the writes that follow.
#[derive(Clone, Copy)]
struct Left {
    revision: Revision,
    bytes: u64,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self {
            state,
            changed: BTreeMap::new(),
            changes: Vec::new(),
            weight: 0,
            bytes: state.bytes(),
            entries: state.entries().len(),
        }
    }

    /// Whether this write can still go with the others in a batch of that weight.
    pub(super) fn has_room_for(&self, write: &Write, most: usize) -> bool {
        self.changes.is_empty() || self.weight + write.change().weight() <= most
    }

    /// Adds a write, and says what its client is to be told once all are stored.
    pub(super) fn add(&mut self, write: &Write) -> Outcome {
        let old = self.left(&write.key);
        let revision = old.map(|left| left.revision);
        let is_expected = match write.expect {
            Expect::Anything => write.value.is_some() || old.is_some(),
            Expect::Nothing => revision.is_none() && write.value.is_some(),
            Expect::Revision(expected) => revision == Some(expected),
        };
        if !is_expected {
            return Outcome::Conflict { revision };
        }
        let bytes = write.value.as_ref().map(|value| taken(&write.key, value));
        let all = self.bytes - old.map_or(0, |left| left.bytes) + bytes.unwrap_or(0);
        let entries = self.entries - usize::from(old.is_some()) + usize::from(bytes.is_some());
        if all > STATE_BYTES && all > self.bytes {
            return Outcome::Refused(Refusal::NoRoom);
        }
        if entries > ENTRIES {
            return Outcome::Refused(Refusal::TooManyEntries);
        }
        (self.bytes, self.entries) = (all, entries);
        let change = write.change();
        self.weight += change.weight();
        self.changes.push(change);
        let revision = self.revision();
        let left = bytes.map(|bytes| Left { revision, bytes });
        self.changed.insert(write.key.clone(), left);
        // How many copies there are is known when it is stored.
        Outcome::Done {
            revision,
            copies: 0,
        }
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// What will be left of an entry.
    fn left(&self, key: &Key) -> Option<Left> {
        if let Some(left) = self.changed.get(key) {
            return *left;
        }
        let entry = self.state.entries().get(key)?;
        Some(Left {
            revision: entry.changed.revision,
            bytes: taken(key, &entry.value),
        })
    }

    fn revision(&self) -> Revision {
        self.state.stamp.revision + self.changes.len() as Revision
    }
}
