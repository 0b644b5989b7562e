//! What is stored: entries, whose stores count, and through whose hands it came.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use bytes::Bytes;
use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use crate::bounds::ENTRY_WEIGHT;
use crate::change::{Batch, Change};
use crate::key::Key;
use crate::lineage::Lineage;
use crate::stamp::Stamp;

/// Which store it is: random, drawn when the store was made. A disk that was wiped bears another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreId(pub [u8; 16]);

/// The stores that count, and where they are.
pub type Holders = BTreeMap<Slot, StoreId>;

/// A value, and when it came to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The value; copies share it.
    pub value: Bytes,
    /// The change that made the key.
    pub created: Stamp,
    /// The newest change of it. Its revision is what compare-and-swap compares.
    pub changed: Stamp,
    /// Changes of the key since it was made, from 1.
    pub version: u64,
}

/// A whole state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// Where it stands.
    pub stamp: Stamp,
    /// Whose stores count. Part of the state, so that nobody goes by an older one than what he holds.
    pub holders: Holders,
    /// The leaderships that it came through.
    pub lineage: Lineage,
    entries: BTreeMap<Key, Entry>,
    bytes: u64,
}

impl Entry {
    /// What of memory and network it takes with its key, about.
    #[must_use]
    pub fn weight(&self, key: &Key) -> usize {
        key.as_str().len() + self.value.len() + ENTRY_WEIGHT
    }
}

impl State {
    /// A state as it was written down.
    #[must_use]
    pub fn new(
        stamp: Stamp,
        holders: Holders,
        lineage: Lineage,
        entries: BTreeMap<Key, Entry>,
    ) -> Self {
        let bytes = entries
            .iter()
            .map(|(key, entry)| taken(key, &entry.value))
            .sum();
        Self {
            stamp,
            holders,
            lineage,
            entries,
            bytes,
        }
    }

    /// All entries, by key.
    #[must_use]
    pub const fn entries(&self) -> &BTreeMap<Key, Entry> {
        &self.entries
    }

    /// Bytes of all keys and values, 0 to [`crate::bounds::STATE_BYTES`].
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The entries behind this key, or all.
    pub fn entries_after(&self, after: Option<&Key>) -> impl Iterator<Item = (&Key, &Entry)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries.range::<Key, _>((from, Bound::Unbounded))
    }

    /// The entries whose keys begin with `prefix`, behind `after`.
    pub fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Entry)> {
        let from = match after.map(Key::as_str) {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let entries = self.entries.range::<str, _>((from, Bound::Unbounded));
        entries.take_while(move |(key, _)| key.as_str().starts_with(prefix))
    }

    /// Makes the changes of a batch that begins where this state stands.
    ///
    /// # Panics
    /// It begins elsewhere.
    pub fn apply(&mut self, batch: &Batch) {
        assert_eq!(self.stamp, batch.from, "a batch follows one state only");
        let mut stamp = Stamp {
            reign: batch.to.reign,
            revision: batch.from.revision,
        };
        for change in &batch.changes {
            stamp.revision += 1;
            self.make(change, stamp);
        }
        if batch.to.reign != batch.from.reign {
            self.lineage.pass_on(batch.to.reign, batch.from.revision);
        }
        self.stamp = batch.to;
    }

    fn make(&mut self, change: &Change, stamp: Stamp) {
        match change {
            Change::Put { key, value } => {
                let old = self.remove(key);
                let entry = Entry {
                    value: value.clone(),
                    created: old.as_ref().map_or(stamp, |old| old.created),
                    changed: stamp,
                    version: old.map_or(1, |old| old.version + 1),
                };
                self.bytes += taken(key, &entry.value);
                self.entries.insert(key.clone(), entry);
            }
            Change::Delete { key } => {
                self.remove(key);
            }
            Change::Admit { .. } | Change::Dismiss { .. } => change.make_for(&mut self.holders),
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let old = self.entries.remove(key)?;
        self.bytes -= taken(key, &old.value);
        Some(old)
    }
}

/// What a key and its value take of [`crate::bounds::STATE_BYTES`].
pub(crate) fn taken(key: &Key, value: &Bytes) -> u64 {
    (key.as_str().len() + value.len()) as u64
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
