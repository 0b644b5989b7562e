//! How often delays longer than a given one come: what was counted, a model of its tail, and the bound that the counts
//! leave to it. [Why this model](../../../docs/decisions/0160-a-tail-is-fitted-and-bounded.md).

/// Delays counted in one range. In seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    pub(super) from: f64,
    pub(super) below: f64,
    pub(super) count: u64,
}

/// The threshold is the highest that so many delays pass, in so many ranges: fewer leave every shape likely.
const ENOUGH: u64 = 500;
const RANGES: usize = 4;
/// Where a shape does not reach what was counted, higher thresholds are tried, down to so many delays.
const FEWEST: u64 = 30;
/// More delays than this count as so many: the model is not known to be better than they show.
const MOST: f64 = 4_000.0;
/// One-sided confidence of every bound.
pub(super) const CONFIDENCE: f64 = 0.95;
/// The normal distribution's quantile of it.
const Z: f64 = 1.645;
/// Half the square of the quantile: how far the likelihood of a shape may lie below the likeliest one's (Wilks).
const LIKELIHOOD_DROP: f64 = Z * Z / 2.0;
/// Shapes that are tried: from an exponential tail to one whose variance is no longer finite.
const SHAPES: u32 = 25;
const HEAVIEST: f64 = 0.5;
/// Scales that are tried, by ratio, from a hundredth of the narrowest range to ten times the longest delay.
const SCALES: u32 = 480;

/// The tail of a distribution of delays over a time: above a threshold, a generalized Pareto distribution.
#[derive(Debug)]
pub(super) struct Tail {
    bins: Vec<Bin>,
    /// How long was counted.
    seconds: f64,
    threshold: f64,
    /// How often a second the threshold is passed, at most.
    rate: f64,
    /// Shapes and scales that the counts do not contradict.
    likely: Vec<(f64, f64)>,
}

impl Tail {
    /// `bins` ascending; `seconds` above 0.
    pub(super) fn fit(bins: Vec<Bin>, seconds: f64) -> Self {
        let enough = (0..bins.len())
            .rev()
            .find(|first| {
                let beyond = &bins[*first..];
                total(beyond) >= ENOUGH && beyond.len() >= RANGES
            })
            .unwrap_or_default();
        let last = (0..bins.len())
            .rev()
            .find(|first| total(&bins[*first..]) >= FEWEST)
            .unwrap_or(enough);
        let fits = (enough..=last).map(|first| (first, likely(&bins[first..])));
        let mut chosen = (enough, Vec::new());
        for fit in fits {
            let reaches = reaches(&bins[fit.0..], &fit.1);
            chosen = fit;
            if reaches {
                break;
            }
        }
        let (first, likely) = chosen;
        Self {
            threshold: bins.get(first).map_or(0.0, |bin| bin.from),
            rate: at_most(total(&bins[first..])) / seconds,
            bins,
            seconds,
            likely,
        }
    }

    /// How often a second a delay of at least `delay` seconds comes, at most: by the model, and by what was counted.
    pub(super) fn rate_bound(&self, delay: f64) -> f64 {
        let excess = (delay - self.threshold).max(0.0);
        let model = self.rate * most(&self.likely, excess);
        let counted = self.counted(delay);
        if counted > 0 {
            model.max(at_most(counted) / self.seconds)
        } else {
            model
        }
    }

    /// How many that may have been so long were counted.
    pub(super) fn counted(&self, delay: f64) -> u64 {
        let reach = self.bins.iter().filter(|bin| bin.below > delay);
        reach.map(|bin| bin.count).sum()
    }
}

fn total(bins: &[Bin]) -> u64 {
    bins.iter().map(|bin| bin.count).sum()
}

/// The largest share of excesses that are longer, by shapes that are likely.
fn most(likely: &[(f64, f64)], excess: f64) -> f64 {
    let survival = |(shape, scale): &(f64, f64)| survival(excess, *shape, *scale);
    likely.iter().map(survival).fold(0.0, f64::max)
}

/// Whether nowhere much more was counted than the likely shapes have at most.
fn reaches(bins: &[Bin], likely: &[(f64, f64)]) -> bool {
    let all = total(bins) as f64;
    (1..bins.len()).all(|first| {
        let modelled = all * most(likely, bins[first].from - bins[0].from);
        total(&bins[first..]) as f64 <= modelled + Z * modelled.sqrt() + at_most(0)
    })
}

/// Grid of shapes and scales above the first range's beginning, whose likelihood is near the best one's.
fn likely(bins: &[Bin]) -> Vec<(f64, f64)> {
    let threshold = bins.first().map_or(0.0, |bin| bin.from);
    let (Some(narrowest), Some(longest)) = (
        bins.iter().map(|it| it.below - it.from).reduce(f64::min),
        bins.iter().map(|it| it.below - threshold).reduce(f64::max),
    ) else {
        return Vec::new();
    };
    let weight = (MOST / total(bins) as f64).min(1.0);
    let (least, most) = (narrowest / 100.0, longest * 10.0);
    let ratio = (most / least).ln() / f64::from(SCALES);
    let shapes = (0..=SHAPES).map(|it| HEAVIEST * f64::from(it) / f64::from(SHAPES));
    let scales = || (0..=SCALES).map(|it| least * (ratio * f64::from(it)).exp());
    let grid = shapes.flat_map(|shape| scales().map(move |scale| (shape, scale)));
    let weighed: Vec<_> = grid
        .map(|it| (it, weight * likelihood(bins, threshold, it)))
        .collect();
    let best = weighed
        .iter()
        .map(|(_, likelihood)| *likelihood)
        .fold(f64::NEG_INFINITY, f64::max);
    let near = weighed
        .into_iter()
        .filter(|(_, likelihood)| *likelihood >= best - LIKELIHOOD_DROP);
    near.map(|(it, _)| it).collect()
}

/// Logarithm of the probability of the counts.
fn likelihood(bins: &[Bin], threshold: f64, (shape, scale): (f64, f64)) -> f64 {
    let of = |bin: &Bin| {
        let longer = |delay: f64| survival(delay - threshold, shape, scale);
        // What no model has is as unlikely as numbers can say.
        let share = (longer(bin.from) - longer(bin.below)).max(f64::MIN_POSITIVE);
        bin.count as f64 * share.ln()
    };
    bins.iter().map(of).sum()
}

/// Share of the excesses that are longer, by the generalized Pareto distribution; exponential where the shape is 0.
fn survival(excess: f64, shape: f64, scale: f64) -> f64 {
    const EXPONENTIAL: f64 = 1e-9;
    if shape < EXPONENTIAL {
        (-excess / scale).exp()
    } else {
        (1.0 + shape * excess / scale).powf(-1.0 / shape)
    }
}

/// The mean that a count is consistent with at most: the chi-squared quantile by Wilson and Hilferty, or
/// where none was counted the rule of three.
pub(super) fn at_most(count: u64) -> f64 {
    if count == 0 {
        return -(1.0 - CONFIDENCE).ln();
    }
    let freedom = 2.0 * (count as f64 + 1.0);
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + Z * spread.sqrt()).powi(3) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_counted_means_three_at_most() {
        for (count, exact) in [(0, 3.0), (1, 4.74), (10, 16.96), (100, 118.1)] {
            let found = at_most(count);
            assert!((found - exact).abs() < 0.01 * exact, "{count}: {found}");
        }
    }

    /// An exponential tail of 1 ms, counted in half octaves as the kernel does.
    fn exponential(total: f64) -> Vec<Bin> {
        let edges: Vec<f64> = (0..12)
            .map(|it| 0.001 * 2_f64.powf(f64::from(it) / 2.0))
            .collect();
        let longer = |delay: f64| (-delay / 0.001).exp();
        let mut bins = vec![Bin {
            from: 0.0,
            below: edges[0],
            count: 0,
        }];
        bins.extend(edges.windows(2).map(|it| Bin {
            from: it[0],
            below: it[1],
            count: 0,
        }));
        for bin in &mut bins {
            bin.count = (total * (longer(bin.from) - longer(bin.below))).round() as u64;
        }
        bins.retain(|bin| bin.count > 0);
        bins
    }

    #[test]
    fn the_bound_lies_above_the_truth_and_comes_down_with_more_data() {
        let rate = |seconds: f64, delay| {
            Tail::fit(exponential(seconds * 100.0), seconds).rate_bound(delay)
        };
        for delay in [0.006, 0.010, 0.015] {
            let truth = 100.0 * (-delay / 0.001_f64).exp();
            let (few, many) = (rate(1e3, delay), rate(1e6, delay));
            assert!(truth < many && many < few, "{delay}: {truth} {many} {few}");
        }
    }

    #[test]
    fn what_was_counted_is_never_bounded_away() {
        let mut bins = exponential(1e5);
        bins.push(Bin {
            from: 0.5,
            below: 0.7,
            count: 4,
        });
        let tail = Tail::fit(bins, 1e3);
        assert_eq!(tail.counted(0.6), 4, "a range counts whole");
        assert!(tail.rate_bound(0.6) >= at_most(4) / 1e3);
    }

    #[test]
    fn nothing_counted_is_no_promise() {
        let tail = Tail::fit(Vec::new(), 10.0);
        assert!(tail.likely.is_empty());
        assert_eq!(tail.counted(0.0), 0);
    }
}
