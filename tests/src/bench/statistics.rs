//! Minimum, median, 99th percentile, maximum.

use serde_json::{Value, json};

/// Four numbers that stand for many, all in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many there were.
    pub count: usize,
    /// The smallest.
    pub min_ns: u64,
    /// The one that half of them do not exceed.
    pub median_ns: u64,
    /// The one that 99 of a hundred do not exceed; of fewer than a hundred the largest.
    pub p99_ns: u64,
    /// The largest.
    pub max_ns: u64,
}

impl Summary {
    /// Of these values; `None` if there is none. Percentiles by nearest rank: always a value that
    /// was really measured.
    #[must_use]
    pub fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let (min, max) = (values.first()?, values.last()?);
        let rank = |per_cent: usize| values[(values.len() * per_cent).div_ceil(100).max(1) - 1];
        Some(Self {
            count: values.len(),
            min_ns: *min,
            median_ns: rank(50),
            p99_ns: rank(99),
            max_ns: *max,
        })
    }

    /// It in JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "count": self.count,
            "min_ns": self.min_ns,
            "median_ns": self.median_ns,
            "p99_ns": self.p99_ns,
            "max_ns": self.max_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let summary = Summary::of((1..=200).rev().collect()).expect("there are values");
        let expected = Summary {
            count: 200,
            min_ns: 1,
            median_ns: 100,
            p99_ns: 198,
            max_ns: 200,
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn of_one_value_all_four_are_that_value() {
        let summary = Summary::of(vec![7]).expect("there is a value");
        assert_eq!(
            (
                summary.min_ns,
                summary.median_ns,
                summary.p99_ns,
                summary.max_ns
            ),
            (7, 7, 7, 7)
        );
        assert_eq!(Summary::of(vec![]), None);
    }
}
