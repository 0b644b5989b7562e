//! What a campaign contained, and how near it came to its bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The nearest that anything of one kind came to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// How long it took, in nanoseconds of true time.
    pub took: u64,
    /// How long it may take.
    pub bound: u64,
    /// The seed of the case.
    pub seed: u64,
}

impl Nearest {
    /// Of two, the one that used up more of its bound.
    fn or(self, other: Self) -> Self {
        let part = |nearest: &Self| u128::from(nearest.took) << 32;
        let own = part(&self) / u128::from(self.bound.max(1));
        let others = part(&other) / u128::from(other.bound.max(1));
        if own >= others { self } else { other }
    }
}

/// What happened, counted by name.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, u64>,
    bounds: BTreeMap<&'static str, (u64, Nearest)>,
    /// Virtual time, in nanoseconds.
    pub lived: u64,
    /// Events handled.
    pub events: u64,
    /// Virtual time of clusters by their number of members, and how long one processor was busy with it.
    sizes: BTreeMap<usize, (u64, Duration)>,
}

impl Tally {
    /// One more of `what`.
    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// So many more of `what`.
    pub fn add(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    /// A cluster of so many members lived for `lived` nanoseconds, which took `took`.
    pub fn took(&mut self, members: usize, lived: u64, took: Duration) {
        self.lived += lived;
        let size = self.sizes.entry(members).or_default();
        *size = (size.0 + lived, size.1 + took);
    }

    /// How many of `what` there were.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Something was checked against its bound, and held it.
    pub fn held(&mut self, what: &'static str, nearest: Nearest) {
        let (count, before) = self.bounds.entry(what).or_insert((0, nearest));
        *count += 1;
        *before = before.or(nearest);
    }

    /// How often `what` was checked against its bound.
    #[must_use]
    pub fn checked(&self, what: &str) -> u64 {
        self.bounds.get(what).map_or(0, |(count, _)| *count)
    }

    /// The sum of all that was checked against a bound whose name begins like this.
    #[must_use]
    pub fn checked_like(&self, begin: &str) -> u64 {
        let like = self
            .bounds
            .iter()
            .filter(|(name, _)| name.starts_with(begin));
        like.map(|(_, (count, _))| count).sum()
    }

    /// Adds what another part of the campaign saw.
    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            self.add(what, *count);
        }
        for (what, (count, nearest)) in &other.bounds {
            let entry = self.bounds.entry(what).or_insert((0, *nearest));
            *entry = (entry.0 + count, entry.1.or(*nearest));
        }
        self.events += other.events;
        for (members, (lived, took)) in &other.sizes {
            self.took(*members, *lived, *took);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counts {
            writeln!(f, "{count:>12}  {what}")?;
        }
        for (what, (count, nearest)) in &self.bounds {
            writeln!(
                f,
                "{count:>12}  {what}: nearest to its bound {} us of {} us (seed {})",
                nearest.took / 1_000,
                nearest.bound / 1_000,
                nearest.seed
            )?;
        }
        for (members, (lived, took)) in &self.sizes {
            let times = Duration::from_nanos(*lived).as_secs_f64() / took.as_secs_f64();
            writeln!(
                f,
                "{times:>12.0}  times real time with {members} members, by one processor"
            )?;
        }
        write!(
            f,
            "{:>12}  seconds of virtual time, {} events",
            self.lived / 1_000_000_000,
            self.events
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn nearest(took: u64, bound: u64) -> Nearest {
        Nearest {
            took,
            bound,
            seed: took,
        }
    }

    #[test]
    fn the_nearest_is_what_used_up_most_of_its_bound() {
        let mut tally = Tally::default();
        tally.held("x", nearest(50, 100));
        tally.held("x", nearest(60, 200));
        let mut other = Tally::default();
        other.held("x", nearest(9, 10));
        other.count("y");
        tally.merge(&other);
        assert_eq!(tally.bounds["x"], (3, nearest(9, 10)));
        assert_eq!((tally.of("y"), tally.of("z")), (1, 0));
    }
}
