//! How many failovers without a failure one is ready to bear.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Spans that people count by, in seconds.
const SPANS: [(&str, f64); 5] = [
    ("hour", 3_600.0),
    ("day", 86_400.0),
    ("week", 604_800.0),
    ("month", 2_629_746.0),
    ("year", YEAR_S),
];
/// A year, in seconds.
pub(super) const YEAR_S: f64 = 31_556_952.0;

/// A rate, as `1/year`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "String")]
pub struct Wanted {
    text: String,
    per_second: f64,
}

impl Wanted {
    /// How many a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.per_second
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Wanted> for String {
    fn from(wanted: Wanted) -> Self {
        wanted.text
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (number, span) = text.split_once('/')?;
            let (_, seconds) = SPANS.iter().find(|(name, _)| *name == span)?;
            let number: f64 = number.parse().ok()?;
            (number.is_finite() && number > 0.0).then_some(number / seconds)
        };
        let per_second = read().ok_or(
            "write a number and a span: 1/year, 0.5/month, 2/day (hour, day, week, month, year)",
        )?;
        Ok(Self {
            text: text.to_owned(),
            per_second,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_span() {
        let day: Wanted = "2/day".parse().expect("a rate");
        assert!((day.per_second() * 43_200.0 - 1.0).abs() < 1e-9);
        for wrong in [
            "", "1", "0/year", "-1/day", "1/decade", "inf/day", "NaN/day",
        ] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }
}
