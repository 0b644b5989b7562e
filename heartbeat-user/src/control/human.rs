//! Durations and lists as a person reads them.

/// A duration in microseconds, in the unit that suits it: `41.2 ms`, `3.0 s`, `2 min 5 s`, `3 h 2 min`.
#[must_use]
pub(crate) fn duration(us: u64) -> String {
    const MILLISECOND: u64 = 1_000;
    const SECOND: u64 = 1_000 * MILLISECOND;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let tenths = |unit: u64| format!("{}.{}", us / unit, us % unit * 10 / unit);
    match us {
        0..MILLISECOND => format!("{us} us"),
        MILLISECOND..SECOND => tenths(MILLISECOND) + " ms",
        SECOND..MINUTE => tenths(SECOND) + " s",
        MINUTE..HOUR => format!("{} min {} s", us / MINUTE, us % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {} min", us / HOUR, us % HOUR / MINUTE),
        DAY.. => format!("{} d {} h", us / DAY, us % DAY / HOUR),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_has_the_unit_that_suits_it() {
        for (us, text) in [
            (0, "0 us"),
            (999, "999 us"),
            (41_290, "41.2 ms"),
            (3_000_000, "3.0 s"),
            (125_000_000, "2 min 5 s"),
            (10_920_000_000, "3 h 2 min"),
            (90_000_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(us), text);
        }
    }

    #[test]
    fn lists_read_as_spoken() {
        let items = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&items[..0]), "");
        assert_eq!(list(&items[..1]), "a");
        assert_eq!(list(&items[..2]), "a and b");
        assert_eq!(list(&items), "a, b and c");
    }
}
