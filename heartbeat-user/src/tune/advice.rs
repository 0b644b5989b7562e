//! The shortest lease whose bound keeps within what is wanted, or why there is none.

use std::time::Duration;

use heartbeat_core::config::Timing;
use serde::Serialize;

use super::tail::{Bin, CONFIDENCE, Tail, at_most};
use super::wanted::{Wanted, YEAR_S};
use super::{Cluster, Counted};
use crate::control::Bucket;

/// Periods that are tried, in milliseconds.
const PERIODS_MS: [u64; 13] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000,
];
/// A period is tried only within this factor of the measured one, on either side: further, delays would be others.
const PERIODS_BEYOND: u32 = 10;
/// Multipliers that are tried: a lost probe or two must not be the end.
const MULTIPLIERS: std::ops::RangeInclusive<u32> = 3..=20;
/// How much rarer than once in the measured time an event may be, to be promised anything of.
const BEYOND: f64 = 100.0;
/// Round trips that are longer than this share of them, in thousandths, are left to the next probe.
const ROUND_TRIPS_PER_MILLE: u64 = 999;

/// A period and a multiplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timers {
    /// In microseconds.
    pub period_us: u64,
    /// As `detect_multiplier`.
    pub multiplier: u32,
}

/// Timers, and what they are good for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Which.
    pub timers: Timers,
    /// Their lease, in microseconds.
    pub lease_us: u64,
    /// How much later than a period a probe may come, in microseconds.
    pub bears_us: u64,
    /// False failovers in a year at most, with the bound's confidence, if the model holds.
    pub per_year: f64,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// These timers will do.
    Recommended(Setting),
    /// Nothing: it has been counted for too short a time for so rare an event.
    TooShort {
        /// How long it has to be counted at all, in seconds.
        needed_s: f64,
    },
    /// Nothing: most gaps are of another period than the one in force, so they were counted before it was changed.
    OtherPeriod,
    /// Nothing within the limits keeps to it.
    NoneWithin {
        /// The best there is.
        best: Setting,
    },
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What was asked for.
    pub wanted: Wanted,
    /// How many gaps were counted.
    pub gaps: u64,
    /// How many more were longer than the lease, and the mastership outlived them: planned restarts, and outages of this
    /// node alone. They are left out.
    pub outlived: u64,
    /// How long that took, in seconds: the gaps' own sum, or the turns' whose lateness was counted if that is less.
    pub measured_s: f64,
    /// Confidence of every bound, from 0 to 1.
    pub confidence: f64,
    /// What the counts say without any model: something that was never seen in this time may come so often a year.
    pub unseen_per_year: f64,
    /// Round trip that all but one in a thousand did not exceed, in microseconds.
    pub round_trip_us: u64,
    /// What the timers in force are good for.
    pub now: Setting,
    /// What to write instead.
    pub outcome: Outcome,
}

/// `None` if no gap was counted.
#[must_use]
pub fn advise(counted: &Counted, cluster: &Cluster, wanted: Wanted) -> Option<Advice> {
    let current = Timers {
        period_us: us(cluster.period),
        multiplier: cluster.multiplier,
    };
    let lease = cluster.period * cluster.multiplier;
    let is_outlived = |it: &&Bucket| u128::from(it.from_ns) >= lease.as_nanos();
    let (outlived, borne): (Vec<_>, Vec<_>) = counted.gaps.iter().partition(is_outlived);
    let borne: Vec<Bucket> = borne.into_iter().copied().collect();
    let measured = Measured::new(counted, &borne, cluster)?;
    let needed_s = 1.0 / (BEYOND * wanted.per_second());
    let outcome = if is_of_other_period(&borne, cluster.period) {
        Outcome::OtherPeriod
    } else if measured.seconds < needed_s {
        Outcome::TooShort { needed_s }
    } else {
        measured.search(wanted.per_second())
    };
    Some(Advice {
        wanted,
        gaps: total(&borne),
        outlived: outlived.iter().map(|it| it.count).sum(),
        measured_s: measured.seconds,
        confidence: CONFIDENCE,
        unseen_per_year: at_most(0) / measured.seconds * YEAR_S,
        round_trip_us: us(measured.round_trip),
        now: measured.setting(current),
        outcome,
    })
}

/// Whether a tenth of the gaps or more are far from the period: too short for it, or too long.
fn is_of_other_period(gaps: &[Bucket], period: Duration) -> bool {
    let is_far = |it: &&Bucket| {
        let (from, below) = (Duration::from_nanos(it.from_ns), end(it));
        below <= period * 3 / 4 || from >= period * 3 / 2
    };
    let far: u64 = gaps.iter().filter(is_far).map(|it| it.count).sum();
    far * 10 >= total(gaps)
}

struct Measured<'a> {
    cluster: &'a Cluster,
    seconds: f64,
    gaps: Tail,
    /// Of this node as master; only where its turns were counted.
    lateness: Option<Tail>,
    round_trip: Duration,
}

impl<'a> Measured<'a> {
    fn new(counted: &Counted, gaps: &[Bucket], cluster: &'a Cluster) -> Option<Self> {
        let period = cluster.period.as_secs_f64();
        let gaps_s: f64 = gaps.iter().map(total_s).sum();
        let turns_s = total(&counted.lateness) as f64 * period;
        let has_turns = turns_s > 0.0;
        (gaps_s > 0.0).then(|| Self {
            cluster,
            seconds: if has_turns {
                gaps_s.min(turns_s)
            } else {
                gaps_s
            },
            gaps: Tail::fit(delays(gaps, period), gaps_s),
            lateness: has_turns.then(|| Tail::fit(delays(&counted.lateness, 0.0), turns_s)),
            round_trip: quantile(&counted.round_trips, ROUND_TRIPS_PER_MILLE),
        })
    }

    fn search(&self, wanted_per_second: f64) -> Outcome {
        let wanted_per_year = wanted_per_second * YEAR_S;
        let mut settings: Vec<Setting> = self.tried().map(|timers| self.setting(timers)).collect();
        // Of equal leases the one with fewer frames.
        settings.sort_by_key(|it| (it.lease_us, u64::MAX - it.timers.period_us));
        let keeps = settings.iter().find(|it| it.per_year <= wanted_per_year);
        let best = (settings.iter()).min_by(|a, b| a.per_year.total_cmp(&b.per_year));
        match (keeps, best) {
            (Some(setting), _) => Outcome::Recommended(*setting),
            (None, Some(best)) => Outcome::NoneWithin { best: *best },
            (None, None) => Outcome::NoneWithin {
                best: self.setting(Timers {
                    period_us: us(self.cluster.period),
                    multiplier: self.cluster.multiplier,
                }),
            },
        }
    }

    fn tried(&self) -> impl Iterator<Item = Timers> {
        let measured = self.cluster.period;
        let near = (measured / PERIODS_BEYOND)..=(measured * PERIODS_BEYOND);
        let least = self.cluster.least_multiplier;
        let periods = PERIODS_MS.into_iter().map(Duration::from_millis);
        let periods = periods.filter(move |it| near.contains(it));
        periods.flat_map(move |period| {
            let multipliers = MULTIPLIERS.filter(move |it| *it >= least);
            multipliers.map(move |multiplier| Timers {
                period_us: us(period),
                multiplier,
            })
        })
    }

    fn setting(&self, timers: Timers) -> Setting {
        let period = Duration::from_micros(timers.period_us);
        let lease = period * timers.multiplier;
        let timing = Timing {
            period,
            multiplier: timers.multiplier,
            max_lease: lease,
            restart_lease: lease,
        };
        let bears = (timing.bearable_lateness()).saturating_sub(self.round_trip);
        Setting {
            timers,
            lease_us: us(lease),
            bears_us: us(bears),
            // Less is never said than the measured time can carry.
            per_year: (self.rate(period, bears)).max(1.0 / (BEYOND * self.seconds)) * YEAR_S,
        }
    }

    /// Failovers a second at most. With a longer period a lost probe costs more, and with a shorter one a delay hits more
    /// probes: by no more than the ratio of the two.
    fn rate(&self, period: Duration, bears: Duration) -> f64 {
        let ratio = period.as_secs_f64() / self.cluster.period.as_secs_f64();
        let (longer, shorter) = (ratio.max(1.0), (1.0 / ratio).max(1.0));
        let bears = bears.as_secs_f64();
        let gaps = self.gaps.rate_bound(bears / longer) * shorter * self.share();
        let lateness = self
            .lateness
            .as_ref()
            .map_or(0.0, |it| it.rate_bound(bears) * shorter);
        gaps + lateness
    }

    /// A lease ends when more electors are cut off than a majority can spare. If all are like this one, that comes at most
    /// so many times as often as one is cut off.
    fn share(&self) -> f64 {
        let others = self.cluster.electors.saturating_sub(1);
        let spared = self.cluster.electors.saturating_sub(self.cluster.majority);
        others as f64 / (spared + 1) as f64
    }
}

/// Ranges as delays beyond `due` seconds; what came early is none.
fn delays(buckets: &[Bucket], due: f64) -> Vec<Bin> {
    let delay = |at: Duration| (at.as_secs_f64() - due).max(0.0);
    let bin = |bucket: &Bucket| Bin {
        from: delay(Duration::from_nanos(bucket.from_ns)),
        below: delay(end(bucket)),
        count: bucket.count,
    };
    let bins = buckets.iter().map(bin);
    bins.filter(|bin| bin.below > 0.0).collect()
}

/// Where a range ends; the last of all has no end, and nothing is ever in it.
fn end(bucket: &Bucket) -> Duration {
    let ns = bucket.below_ns.unwrap_or(bucket.from_ns.saturating_mul(2));
    Duration::from_nanos(ns)
}

fn total(buckets: &[Bucket]) -> u64 {
    buckets.iter().map(|it| it.count).sum()
}

/// The middle of its range for each.
fn total_s(bucket: &Bucket) -> f64 {
    let middle = (Duration::from_nanos(bucket.from_ns) + end(bucket)) / 2;
    middle.as_secs_f64() * bucket.count as f64
}

/// The end of the range that this share, in thousandths, lies below; zero without any.
fn quantile(buckets: &[Bucket], per_mille: u64) -> Duration {
    let wanted = (total(buckets) * per_mille).div_ceil(1_000);
    let mut seen = 0;
    let reached = buckets.iter().find(|bucket| {
        seen += bucket.count;
        seen >= wanted
    });
    reached.map_or(Duration::ZERO, end)
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "advice_tests.rs"]
mod tests;
