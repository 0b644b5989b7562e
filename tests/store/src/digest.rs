//! Fingerprints: 64 bits, the same in every run.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use heartbeat_store::State;

/// The fingerprint of anything.
pub(crate) fn of(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// The same of a state, by the lengths of values alone: what they are is told by the changes that made them.
pub(crate) fn of_state(state: &State) -> u64 {
    let entries = state.entries().iter();
    let told = entries.map(|(key, entry)| {
        let length = entry.value.len();
        (key, length, entry.created, entry.changed, entry.version)
    });
    let told: Vec<_> = told.collect();
    of(&(state.stamp, &state.holders, &state.lineage, told))
}
