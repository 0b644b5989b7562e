//! One machine's clocks, derived from the world's true time.

/// Parts of a rate: 1,000,000 is a clock that runs true.
pub(crate) const TRUE_RATE: u64 = 1_000_000;

/// CLOCK_BOOTTIME and CLOCK_MONOTONIC_RAW of one machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What it showed when the world began.
    offset: u64,
    /// Nanoseconds of this clock in a true millisecond.
    rate: u64,
    /// Whether MONOTONIC_RAW runs true, so that the watch can see the rate.
    is_watched: bool,
}

impl Clock {
    pub(crate) const fn new(offset: u64, rate: u64, is_watched: bool) -> Self {
        Self {
            offset,
            rate,
            is_watched,
        }
    }

    /// CLOCK_BOOTTIME at true time `at`.
    pub(crate) fn boot(&self, at: u64) -> u64 {
        self.offset + scale(at, self.rate, TRUE_RATE)
    }

    /// CLOCK_MONOTONIC_RAW at true time `at`.
    pub(crate) fn raw(&self, at: u64) -> u64 {
        if self.is_watched { at } else { self.boot(at) }
    }

    /// The first true time at which CLOCK_BOOTTIME shows at least `boot`.
    pub(crate) fn when(&self, boot: u64) -> u64 {
        let ahead = boot.saturating_sub(self.offset);
        let at = scale(ahead, TRUE_RATE, self.rate);
        (at..)
            .find(|at| self.boot(*at) >= boot)
            .expect("clocks run")
    }
}

fn scale(value: u64, by: u64, of: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(by) / u128::from(of)).expect("a test is short")
}
