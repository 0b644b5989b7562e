//! The sizes side by side, as they can stand in the README.

use super::size::Size;
use crate::bench::tables::ms;

/// Longest turn aimed at, in the median, in microseconds.
const MOST_TURN_US: f64 = 300.0;
/// Longest detection aimed at, in the median, as a part of the smallest size's.
const MOST_RATIO: f64 = 1.1;

/// Everything that was measured.
pub(super) fn table(sizes: &[Size]) -> String {
    let mut text = "| members | turn, median | 99.9 % | worst | pulse, % of a core | kernel program, % of a core | answers a period | missing found after, median | worst | times the first row's | n | false ones | answers lost |\n\
                    |---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for size in sizes {
        let us = |which| format!("{} us", size.counted_turn_us(which));
        text += &format!(
            "| {} | {} | {} | {} | {:.2} | {:.2} | {:.0} | {} | {} | {:.2} | {} | {} | {} |\n",
            size.members,
            format_args!("{} us", size.median_turn_us()),
            us("p999"),
            us("worst"),
            size.pulse,
            size.responder,
            size.answers,
            ms(size.detection.median_ns),
            ms(size.detection.max_ns),
            ratio(size, &sizes[0]),
            size.detection.count,
            size.false_ones,
            size.lost
        );
    }
    text
}

/// What was aimed at, and what came of it.
pub(super) fn targets(sizes: &[Size]) -> String {
    let mut text = "| aimed at | wanted | measured | |\n|---|---|---|---|\n".to_owned();
    let mut line = |what: &str, most: f64, measured: f64| {
        let met = if measured <= most { "met" } else { "missed" };
        text += &format!("| {what} | at most {most} | {measured:.2} | {met} |\n");
    };
    for size in sizes {
        let members = size.members;
        let turn = size.median_turn_us() as f64;
        line(
            &format!("turn at {members} members, median, us"),
            MOST_TURN_US,
            turn,
        );
        let ratio = ratio(size, &sizes[0]);
        line(
            &format!(
                "detection at {members} members, times that of {}",
                sizes[0].members
            ),
            MOST_RATIO,
            ratio,
        );
        let false_ones = size.false_ones as f64;
        line(
            &format!("members falsely missed at {members}"),
            0.0,
            false_ones,
        );
        let skipped = size.skipped as f64;
        line(
            &format!("probes that the crowd did not see at {members}"),
            0.0,
            skipped,
        );
    }
    text
}

fn ratio(size: &Size, first: &Size) -> f64 {
    size.detection.median_ns as f64 / first.detection.median_ns as f64
}
