//! Fingerprints: 64 bits, the same in every run.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// The fingerprint of anything.
pub(crate) fn of(value: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}
