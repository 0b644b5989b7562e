//! The results as tables that can stand in the README as they are.

use crate::bench::Series;

/// Outages, two-answer times and moves.
#[must_use]
pub fn outages(all: &[Series]) -> String {
    let mut text = "| period | M | lease | fault | n | min | median | p99 | max | two-answer time | spontaneous moves | longest hiccup |\n\
                    |---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for series in all {
        let outage = &series.outage;
        text += &format!(
            "| {:?} | {} | {:?} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            series.period,
            series.detect_multiplier,
            series.period * u32::from(series.detect_multiplier),
            series.trial.as_str(),
            outage.count,
            ms(outage.min_ns),
            ms(outage.median_ns),
            ms(outage.p99_ns),
            ms(outage.max_ns),
            ms(series.two_answer_ns),
            series.spontaneous,
            ms(series.hiccup_ns)
        );
    }
    text
}

/// What the outages are made of, in the median.
#[must_use]
pub fn shares(all: &[Series]) -> String {
    let mut text =
        "| period | M | fault | lease | query and vote | takeover | announcement | client |\n\
                    |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for series in all {
        let medians: String = series
            .shares
            .iter()
            .map(|(_, summary)| format!(" {} |", ms(summary.median_ns)))
            .collect();
        text += &format!(
            "| {:?} | {} | {} |{medians}\n",
            series.period,
            series.detect_multiplier,
            series.trial.as_str()
        );
    }
    text
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an outage in nanoseconds is exact in a double"
)]
pub(super) fn ms(time_ns: u64) -> String {
    format!("{:.2} ms", time_ns as f64 / 1e6)
}
