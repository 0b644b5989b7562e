//! When a sink that failed is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
/// Often enough that nobody waits long for what waits here.
const LONGEST: Duration = Duration::from_secs(60);

/// The pause after so many failures in a row, at least one: doubled each time, and between half of that and all of it,
/// so that many nodes do not come back to one receiver at once. `random` is any number.
pub(super) fn pause(failures: u32, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = (FIRST * 2_u32.pow(doublings)).min(LONGEST);
    let half = whole / 2;
    let span_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
    half + Duration::from_micros(random % (span_us + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_no_two_nodes_keep_step() {
        for (failures, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (u32::MAX, 60)] {
            let whole = Duration::from_secs(whole);
            assert_eq!(pause(failures, 0), whole / 2);
            let most = (0..2_000).map(|it| pause(failures, it * 999_983)).max();
            let most = most.expect("some");
            assert!(
                most <= whole && most > whole * 9 / 10,
                "{failures}: {most:?}"
            );
        }
    }
}
