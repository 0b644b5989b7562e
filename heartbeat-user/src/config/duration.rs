//! Durations as an operator writes them: "10ms", "200us", "1s", "10m".

use std::time::Duration;

/// Units an operator may write, with their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 5] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];

/// What to write instead of something that is no duration.
pub(super) const CURE: &str =
    "write a whole number and its unit (us, ms, s, m, h) in quotes: \"10ms\"";

/// Reads a whole number with its unit; `None` if it is none, or longer than 584 years.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    let nanos = number.parse::<u64>().ok()?.checked_mul(*length)?;
    Some(Duration::from_nanos(nanos))
}

/// Writes a duration the way [`parse`] reads it, in the longest unit that leaves no fraction.
#[must_use]
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    UNITS
        .iter()
        .find(|(_, length)| nanos.is_multiple_of(u128::from(*length)))
        .map_or_else(
            || format!("{nanos}ns"),
            |(unit, length)| format!("{}{unit}", nanos / u128::from(*length)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for (text, nanos) in [
            ("200us", 200_000),
            ("10ms", 10_000_000),
            ("1s", 1_000_000_000),
            ("10m", 600_000_000_000),
            ("2h", 7_200_000_000_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(parse("10 ms"), Some(Duration::from_millis(10)));
        assert_eq!(format(Duration::from_millis(1_500)), "1500ms");
        assert_eq!(format(Duration::ZERO), "0s");
    }

    #[test]
    fn what_has_no_unit_no_number_or_a_fraction_is_refused() {
        for text in [
            "",
            "10",
            "ms",
            "1.5s",
            "-1s",
            "10MS",
            "10 ms x",
            "99999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
