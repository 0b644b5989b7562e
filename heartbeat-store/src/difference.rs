//! What a state had that the one in its place has not, and the other way round.

use serde::{Deserialize, Serialize};

use crate::bounds::NAMED_KEYS;
use crate::key::Key;
use crate::stamp::{Revision, Stamp};
use crate::state::{Entry, State};

/// How a store's state, that nobody acknowledged, was unlike the one that took its place. It is shown and kept, never
/// merged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Difference {
    /// Where the store stood.
    pub old: Stamp,
    /// Where the state stands that took its place.
    pub new: Stamp,
    /// The last revision up to which both are the same; `None` if that was too long ago to be known.
    pub parted_at: Option<Revision>,
    /// Keys that only the old one has.
    pub only_old: Keys,
    /// Keys that both have, with another value since they parted.
    pub changed: Keys,
    /// Keys that only the new one has.
    pub only_new: Keys,
}

/// Some keys: all are counted, the first [`NAMED_KEYS`] named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Keys {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub named: Vec<Key>,
}

impl Keys {
    fn add(&mut self, key: &Key) {
        self.count += 1;
        if self.named.len() < NAMED_KEYS {
            self.named.push(key.clone());
        }
    }
}

impl Difference {
    /// What tells `old` from the `new` state; `None` if `old` went no way of its own: it was new, or only lagged.
    #[must_use]
    pub fn between(old: &State, new: &State) -> Option<Self> {
        let parted_at = old.lineage.parted_at(old.stamp, &new.lineage, new.stamp);
        if old.stamp.is_none() || parted_at == Some(old.stamp.revision) {
            return None;
        }
        let mut difference = Self {
            old: old.stamp,
            new: new.stamp,
            parted_at,
            only_old: Keys::default(),
            changed: Keys::default(),
            only_new: Keys::default(),
        };
        let is_later = |entry: &Entry| parted_at.is_none_or(|at| entry.changed.revision > at);
        for (key, entry) in old.entries() {
            match new.entries().get(key) {
                None if is_later(entry) => difference.only_old.add(key),
                Some(other) if is_later(entry) && other != entry => difference.changed.add(key),
                None | Some(_) => {}
            }
        }
        let missing = new.entries().keys();
        for key in missing.filter(|key| !old.entries().contains_key(*key)) {
            difference.only_new.add(key);
        }
        Some(difference)
    }
}
