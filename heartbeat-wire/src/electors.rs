//! The number that tells two electors' sets apart, in every frame and vote.

use crate::siphash::{WORDS, hash};
use crate::tag::Key;

/// No secret: it only tells this hash from others.
const KEY: Key = Key {
    k0: 0x6865_6172_7462_6561,
    k1: 0x656c_6563_746f_7273,
};

/// Digest of the electors' set: its slots, ascending, at most nine, and the longest lease in nanoseconds.
#[must_use]
pub fn digest(slots: &[u16], max_lease_ns: u64) -> u32 {
    let mut words = [0; WORDS];
    (words[0], words[1]) = (max_lease_ns, slots.len() as u64);
    for (word, slot) in words[2..].iter_mut().zip(slots) {
        *word = u64::from(*slot);
    }
    let whole = hash(&words, &KEY);
    (whole >> 32) as u32 ^ whole as u32
}
