//! Durations of the pulse's turns, counted without allocation: how late they began, which is what the
//! host's scheduling costs, and how long they took.

use std::time::Duration;

use heartbeat_core::time::nanos;
use heartbeat_wire::histogram::{BUCKETS, bucket_of, lower_bound_ns};

/// One duration of every turn since the start.
#[derive(Clone, Debug)]
pub struct Durations {
    buckets: [u64; BUCKETS],
    turns: u64,
    worst: Duration,
    last: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            turns: 0,
            worst: Duration::ZERO,
            last: Duration::ZERO,
        }
    }
}

impl Durations {
    pub(crate) fn record(&mut self, duration: Duration) {
        self.buckets[bucket_of(nanos(duration))] += 1;
        self.turns += 1;
        self.last = duration;
        self.worst = self.worst.max(duration);
    }

    /// How many there were, by [`heartbeat_wire::histogram`]'s buckets.
    #[must_use]
    pub fn buckets(&self) -> &[u64; BUCKETS] {
        &self.buckets
    }

    /// Turns counted.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// The longest of all.
    #[must_use]
    pub fn worst(&self) -> Duration {
        self.worst
    }

    /// That of the last turn.
    #[must_use]
    pub fn last(&self) -> Duration {
        self.last
    }

    /// What `per_mille` of the turns did not exceed, to the histogram's resolution (half an
    /// octave, rounded down); zero before the first turn.
    #[must_use]
    pub fn quantile(&self, per_mille: u64) -> Duration {
        let wanted = (self.turns * per_mille).div_ceil(1000);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && wanted > 0 {
                return Duration::from_nanos(lower_bound_ns(bucket));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_separate_the_common_turn_from_the_rare_late_one() {
        let mut durations = Durations::default();
        for _ in 0..999 {
            durations.record(Duration::from_micros(20));
        }
        durations.record(Duration::from_millis(18));
        assert_eq!(durations.turns(), 1000);
        assert!(durations.quantile(500) <= Duration::from_micros(20));
        assert!(durations.quantile(999) <= Duration::from_micros(20));
        assert!(durations.quantile(1000) > Duration::from_millis(12));
        assert_eq!(durations.worst(), Duration::from_millis(18));
    }

    #[test]
    fn nothing_recorded_is_zero_everywhere() {
        let durations = Durations::default();
        assert_eq!(durations.quantile(999), Duration::ZERO);
        assert_eq!(durations.worst(), Duration::ZERO);
    }
}
