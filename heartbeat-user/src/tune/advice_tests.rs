//! Advice against distributions whose truth is known.

use heartbeat_wire::histogram::{BUCKETS, bucket_of, lower_bound_ns};

use super::*;

const PERIOD: Duration = Duration::from_millis(10);
/// Gaps measured: half an hour.
const MEASURED: u64 = 200_000;

/// How much later than its period a probe comes: in seconds, by a number between 0 and 1.
struct Delays {
    name: &'static str,
    /// The delay that this share is not above.
    quantile: fn(f64) -> f64,
    /// The share that is longer.
    longer: fn(f64) -> f64,
}

const ALL: [Delays; 3] = [
    Delays {
        name: "exponential of 1 ms",
        quantile: |share| -0.001 * (1.0 - share).ln(),
        longer: |delay| (-delay / 0.001).exp(),
    },
    Delays {
        name: "Pareto of shape 0.2",
        quantile: |share| 0.0005 / 0.2 * ((1.0 - share).powf(-0.2) - 1.0),
        longer: |delay| (1.0 + 0.2 * delay / 0.0005).powf(-5.0),
    },
    Delays {
        name: "one in a thousand is late by up to 30 ms",
        quantile: |share| {
            if share < 0.999 {
                0.0002 * share
            } else {
                0.03 * (share - 0.999) * 1_000.0
            }
        },
        longer: |delay| 0.001 * (1.0 - delay / 0.03).max(0.0),
    },
];

/// SplitMix64: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / (u64::MAX as f64 + 1.0)
    }
}

fn gaps(delays: &Delays, seed: u64) -> Vec<Bucket> {
    let mut random = Random(seed);
    let mut counts = [0; BUCKETS];
    for _ in 0..MEASURED {
        let gap = PERIOD + Duration::from_secs_f64((delays.quantile)(random.share()));
        counts[bucket_of(gap.as_nanos() as u64)] += 1;
    }
    let counted = counts.into_iter().enumerate().filter(|it| it.1 > 0);
    let bucket = |(number, count)| Bucket {
        from_ns: lower_bound_ns(number),
        below_ns: Some(lower_bound_ns(number + 1)),
        count,
    };
    counted.map(bucket).collect()
}

fn advice(gaps: Vec<Bucket>, wanted: &str) -> Advice {
    let counted = Counted {
        gaps,
        round_trips: Vec::new(),
        lateness: Vec::new(),
    };
    let cluster = Cluster {
        period: PERIOD,
        multiplier: 20,
        electors: 3,
        majority: 2,
        least_multiplier: 2,
    };
    let wanted = wanted.parse().expect("a rate");
    advise(&counted, &cluster, wanted).expect("there are gaps")
}

fn recommended(advice: &Advice) -> Setting {
    match advice.outcome {
        Outcome::Recommended(setting) => setting,
        other => panic!("{other:?}"),
    }
}

/// Delays of a year that are longer than what the setting bears, by the truth; only for the period that was measured,
/// or shorter ones.
fn truth_per_year(delays: &Delays, setting: &Setting) -> f64 {
    let period = setting.timers.period_us as f64 / 1e6;
    YEAR_S / period * (delays.longer)(setting.bears_us as f64 / 1e6)
}

#[test]
fn recommended_timers_keep_what_they_promise_of_distributions_with_known_tails() {
    // Three a day are fourteen times as rare as what the measured time shows once.
    for delays in &ALL {
        let samples: Vec<_> = (1..=10).map(|seed| gaps(delays, seed)).collect();
        for (wanted, per_year) in [("1/hour", 8_766.0), ("3/day", 1_095.75)] {
            let settings: Vec<_> = samples
                .iter()
                .map(|it| recommended(&advice(it.clone(), wanted)))
                .collect();
            let keeps = |it: &&Setting| truth_per_year(delays, it) <= per_year;
            let kept = settings.iter().filter(keeps).count();
            assert!(
                kept >= 9,
                "{}, {wanted}: kept {kept} times of 10",
                delays.name
            );
            let longest = settings.iter().map(|it| it.lease_us).max();
            assert!(
                longest <= Some(200_000),
                "{}, {wanted}: {longest:?}",
                delays.name
            );
        }
    }
}

#[test]
fn another_sample_passes_what_is_borne_no_more_often_than_wanted() {
    for delays in &ALL {
        let setting = recommended(&advice(gaps(delays, 1), "1/hour"));
        let bears = setting.bears_us as f64 / 1e6;
        let mut random = Random(99);
        let passed = (0..MEASURED)
            .filter(|_| (delays.quantile)(random.share()) > bears)
            .count() as f64;
        let hours = MEASURED as f64 * PERIOD.as_secs_f64() / 3_600.0;
        assert!(
            passed <= hours.ceil(),
            "{}: {passed} times in {hours:.1} h",
            delays.name
        );
        let median = (delays.quantile)(0.5);
        assert!(
            bears > median,
            "the sample reaches above nothing: {bears} {median}"
        );
    }
}

#[test]
fn what_is_too_rare_for_the_measured_time_is_not_promised() {
    let found = advice(gaps(&ALL[0], 1), "1/year");
    match found.outcome {
        Outcome::TooShort { needed_s } => assert!((needed_s / 315_569.5 - 1.0).abs() < 1e-3),
        other => panic!("{other:?}"),
    }
    let least = YEAR_S / (BEYOND * found.measured_s);
    assert!(
        found.now.per_year >= least,
        "nor of the present timers: {found:?}"
    );
}

#[test]
fn gaps_that_the_mastership_outlived_are_left_out_and_told() {
    let mut with = gaps(&ALL[0], 1);
    let without = recommended(&advice(with.clone(), "1/day"));
    with.push(Bucket {
        from_ns: 402_653_184,
        below_ns: Some(536_870_912),
        count: 1,
    });
    let found = advice(with, "1/day");
    assert_eq!((found.outlived, recommended(&found)), (1, without));
}

#[test]
fn gaps_of_another_period_are_known() {
    let other = vec![Bucket {
        from_ns: 1_048_576,
        below_ns: Some(1_572_864),
        count: MEASURED,
    }];
    assert_eq!(advice(other, "1/hour").outcome, Outcome::OtherPeriod);
}

#[test]
fn a_late_pulse_counts_against_the_timers_as_a_late_network_does() {
    let lateness = |count| Counted {
        gaps: gaps(&ALL[0], 1),
        round_trips: Vec::new(),
        lateness: vec![
            Bucket {
                from_ns: 16_384,
                below_ns: Some(24_576),
                count: MEASURED,
            },
            Bucket {
                from_ns: 50_331_648,
                below_ns: Some(67_108_864),
                count,
            },
        ],
    };
    let cluster = Cluster {
        period: PERIOD,
        multiplier: 5,
        electors: 3,
        majority: 2,
        least_multiplier: 2,
    };
    let bears = |count| {
        let wanted = "1/hour".parse().expect("a rate");
        let found = advise(&lateness(count), &cluster, wanted).expect("there are gaps");
        recommended(&found).bears_us
    };
    assert!(bears(0) < 50_000);
    assert!(bears(50) > 67_108, "{}", bears(50));
}

#[test]
fn more_electors_than_a_majority_spares_are_reckoned_in() {
    let share = |electors, majority| {
        let cluster = Cluster {
            period: PERIOD,
            multiplier: 5,
            electors,
            majority,
            least_multiplier: 2,
        };
        let counted = Counted {
            gaps: gaps(&ALL[0], 1),
            round_trips: Vec::new(),
            lateness: Vec::new(),
        };
        Measured::new(&counted, &counted.gaps, &cluster)
            .expect("there are gaps")
            .share()
    };
    let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-9;
    assert!(near(share(3, 2), 1.0) && near(share(2, 2), 1.0));
    assert!(near(share(5, 3), 4.0 / 3.0) && near(share(4, 3), 1.5));
}
