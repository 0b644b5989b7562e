//! Drawing from a seed: the same numbers each time.

use std::ops::Range;

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// What this seed yields.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `range`, which is not empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.number() % (range.end - range.start)
    }

    /// Whether something happens that does `chances` times of a hundred.
    pub const fn percent(&mut self, chances: u64) -> bool {
        self.within(0..100) < chances
    }

    /// One of `things`.
    pub fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        let place = self.within(0..things.len() as u64);
        things[usize::try_from(place).unwrap_or(0)]
    }
}
