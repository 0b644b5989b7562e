//! One machine's clocks, derived from the world's true time.

use heartbeat_core::Instant;

/// Parts of a rate: 1,000,000 is a clock that runs true.
pub const TRUE_RATE: u64 = 1_000_000;

/// What a machine's clocks do while it is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Both run on: all processors were taken, or the hypervisor lets a stopped guest catch up.
    ClocksRun,
    /// CLOCK_BOOTTIME runs on, CLOCK_MONOTONIC_RAW does not: the machine was suspended.
    Suspended,
    /// Neither runs: its hypervisor stopped it.
    ClocksStop,
}

/// What the two clocks of a machine showed at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// CLOCK_BOOTTIME.
    pub boot: Instant,
    /// CLOCK_MONOTONIC_RAW, in nanoseconds.
    pub raw_ns: u64,
}

/// CLOCK_BOOTTIME and CLOCK_MONOTONIC_RAW of one machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// True time since which it runs as it does.
    since: u64,
    /// What both showed then.
    boot: u64,
    raw: u64,
    /// Nanoseconds of CLOCK_BOOTTIME in a true millisecond.
    rate: u64,
    /// Whether CLOCK_MONOTONIC_RAW runs true, so that the watch can see the rate.
    is_watched: bool,
}

impl Clock {
    /// A clock that shows `offset` when the world begins, and runs at `rate` parts of [`TRUE_RATE`].
    /// `is_watched`: CLOCK_MONOTONIC_RAW runs true, so that the daemon can see that rate.
    #[must_use]
    pub const fn new(offset: u64, rate: u64, is_watched: bool) -> Self {
        Self {
            since: 0,
            boot: offset,
            raw: if is_watched { 0 } else { offset },
            rate,
            is_watched,
        }
    }

    /// CLOCK_BOOTTIME at true time `at`, which is not before the last change of the clock.
    #[must_use]
    pub const fn boot(&self, at: u64) -> u64 {
        self.boot + scale(at - self.since, self.rate, TRUE_RATE)
    }

    /// CLOCK_MONOTONIC_RAW at true time `at`.
    #[must_use]
    pub const fn raw(&self, at: u64) -> u64 {
        let rate = if self.is_watched {
            TRUE_RATE
        } else {
            self.rate
        };
        self.raw + scale(at - self.since, rate, TRUE_RATE)
    }

    /// Both at true time `at`.
    #[must_use]
    pub const fn read(&self, at: u64) -> Reading {
        Reading {
            boot: Instant(self.boot(at)),
            raw_ns: self.raw(at),
        }
    }

    /// The first true time at which CLOCK_BOOTTIME shows at least `boot`.
    #[must_use]
    pub const fn when(&self, boot: u64) -> u64 {
        let ahead = boot.saturating_sub(self.boot);
        let mut at = self.since + scale(ahead, TRUE_RATE, self.rate);
        while self.boot(at) < boot {
            at += 1;
        }
        at
    }

    /// Nanoseconds of CLOCK_BOOTTIME in a true millisecond.
    #[must_use]
    pub const fn rate(&self) -> u64 {
        self.rate
    }

    /// A time daemon slews it from true time `at` on.
    pub const fn slew(&mut self, rate: u64, at: u64) {
        (self.boot, self.raw, self.since) = (self.boot(at), self.raw(at), at);
        self.rate = rate;
    }

    /// The machine was paused from true time `from` until `to`.
    pub const fn pause(&mut self, pause: Pause, from: u64, to: u64) {
        let (boot_at, raw_at) = match pause {
            Pause::ClocksRun => (to, to),
            Pause::Suspended => (to, from),
            Pause::ClocksStop => (from, from),
        };
        (self.boot, self.raw, self.since) = (self.boot(boot_at), self.raw(raw_at), to);
    }
}

/// `value * by / of`, without leaving 64 bits: `by` and `of` are near a million.
const fn scale(value: u64, by: u64, of: u64) -> u64 {
    value / of * by + value % of * by / of
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_slewed_clock_goes_on_from_where_it_was() {
        let mut clock = Clock::new(5 * MS, TRUE_RATE, true);
        clock.slew(1_100_000, 10 * MS);
        assert_eq!(clock.boot(10 * MS), 15 * MS);
        assert_eq!(clock.boot(20 * MS), 26 * MS);
        assert_eq!(clock.raw(20 * MS), 20 * MS);
    }

    #[test]
    fn it_is_found_when_a_clock_shows_a_time() {
        for rate in [900_000, TRUE_RATE, 1_099_999] {
            let clock = Clock::new(777, rate, true);
            for boot in [0, 777, 778, 123_456_789_012] {
                let at = clock.when(boot);
                assert!(clock.boot(at) >= boot);
                assert!(at == 0 || clock.boot(at - 1) < boot);
            }
        }
    }

    #[test]
    fn a_pause_is_counted_by_the_clocks_that_run_in_it() {
        let paused = |pause| {
            let mut clock = Clock::new(0, TRUE_RATE, true);
            clock.pause(pause, 10 * MS, 50 * MS);
            (clock.boot(60 * MS) / MS, clock.raw(60 * MS) / MS)
        };
        assert_eq!(paused(Pause::ClocksRun), (60, 60));
        assert_eq!(paused(Pause::Suspended), (60, 20));
        assert_eq!(paused(Pause::ClocksStop), (20, 20));
    }
}
