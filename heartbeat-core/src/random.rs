//! Numbers that need be unlike, not secret: request ids, and pauses that part two candidates.

use std::time::Duration;

use crate::time::nanos;

/// SplitMix64 (Steele, Lea and Flood, 2014): one addition and three shifts a number, every seed is good.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration from zero up to and including `most`.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        let most = nanos(most);
        Duration::from_nanos(self.next() % most.saturating_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seeds_give_different_numbers_and_one_seed_the_same() {
        let (mut a, mut b, mut c) = (Random::new(1), Random::new(2), Random::new(1));
        let first = a.next();
        assert_ne!(first, b.next());
        assert_eq!(first, c.next());
        assert_ne!(first, a.next());
    }

    #[test]
    fn a_pause_stays_within_its_bound_and_reaches_both_halves() {
        let mut random = Random::new(7);
        let most = Duration::from_micros(10);
        let pauses: Vec<_> = (0..100).map(|_| random.up_to(most)).collect();
        assert!(pauses.iter().all(|pause| *pause <= most));
        assert!(pauses.iter().any(|pause| *pause < most / 2));
        assert!(pauses.iter().any(|pause| *pause > most / 2));
        assert_eq!(random.up_to(Duration::ZERO), Duration::ZERO);
    }
}
