//! Watches CLOCK_BOOTTIME's rate against CLOCK_MONOTONIC_RAW: the drift guard holds only for clocks that
//! run as true as it assumes.

use std::time::Duration;

use crate::Instant;
use crate::abstention::Fault;
use crate::node::Node;
use crate::time::nanos;

/// Shortest stretch that a rate is judged over: a preemption between the two clocks' readings, of some
/// milliseconds, must not look like a rate.
const WINDOW: Duration = Duration::from_secs(1);
/// Parts in a hundred that the rate may be off. The kernel slews CLOCK_BOOTTIME by at most 10% (the tick)
/// and 0.1% (frequency and adjtime). The guard of a fifth covers a master this slow with an elector this
/// fast: 1.11 / 0.89 < 1 / (1 - 1/5).
const MOST_PERCENT_OFF: u64 = 11;
/// A step in which the clocks part by more than half of it, and by more than this, is no slewing.
const LEAST_JUMP: Duration = Duration::from_millis(5);
/// Jumps in a row after which it is a rate after all. A suspend and resume makes one, and so does a pause
/// between the two readings, which the next step takes back.
const MOST_JUMPS: u32 = 4;

/// The two clocks at one time.
#[derive(Clone, Copy, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Reading {
    boot_ns: u64,
    raw_ns: u64,
}

impl Reading {
    fn since(self, earlier: Self) -> (u64, u64) {
        (
            self.boot_ns.saturating_sub(earlier.boot_ns),
            self.raw_ns.saturating_sub(earlier.raw_ns),
        )
    }
}

/// The watch. A jump starts the window anew and is no fault: CLOCK_BOOTTIME counts the time a machine was
/// suspended, which CLOCK_MONOTONIC_RAW does not, and to count it is right: leases and grants end
/// when they should. CLOCK_BOOTTIME cannot be set, so it jumps for no other reason, and never back.
#[derive(Clone, Debug, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct ClockWatch {
    window: Option<Reading>,
    last: Option<Reading>,
    jumps: u32,
    /// What the last whole window said; it stands until the next one.
    is_off: bool,
}

impl ClockWatch {
    pub(crate) const fn new() -> Self {
        Self {
            window: None,
            last: None,
            jumps: 0,
            is_off: false,
        }
    }

    /// Takes one reading. Whether the clock is off, as far as is known.
    pub(crate) fn reads_off(&mut self, now: Instant, raw_ns: u64) -> bool {
        let reading = Reading {
            boot_ns: now.0,
            raw_ns,
        };
        let (Some(last), Some(window)) = (self.last.replace(reading), self.window) else {
            self.window = Some(reading);
            return self.is_off;
        };
        let (boot, raw) = reading.since(last);
        let parted = boot.abs_diff(raw);
        if parted > boot.max(raw) / 2 && parted > nanos(LEAST_JUMP) {
            self.window = Some(reading);
            self.jumps += 1;
            self.is_off |= self.jumps >= MOST_JUMPS;
            return self.is_off;
        }
        self.jumps = 0;
        let (boot, raw) = reading.since(window);
        if raw >= nanos(WINDOW) {
            self.window = Some(reading);
            self.is_off = u128::from(boot.abs_diff(raw)) * 100
                > u128::from(raw) * u128::from(MOST_PERCENT_OFF);
        }
        self.is_off
    }
}

impl Node {
    /// A clock outside the guard: gate shut, no vote and no grant until the longest lease is over.
    pub(crate) fn watch_clock(&mut self, raw_ns: u64, now: Instant) {
        if self.clock.reads_off(now, raw_ns) {
            self.abstain(Fault::Clock, now + self.electors.record.abstention(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `turns` readings 10 ms of raw time apart, with `boot_us` of boot time each; whether any was
    /// judged off.
    fn run(watch: &mut ClockWatch, clocks: &mut (u64, u64), turns: u32, boot_us: u64) -> bool {
        let mut is_off = false;
        for _ in 0..turns {
            clocks.0 += boot_us * 1_000;
            clocks.1 += 10_000_000;
            is_off |= watch.reads_off(Instant(clocks.0), clocks.1);
        }
        is_off
    }

    #[test]
    fn a_clock_slewed_as_far_as_the_kernel_slews_is_not_off() {
        for boot_us in [8_990, 10_000, 11_010] {
            let mut watch = ClockWatch::new();
            assert!(
                !run(&mut watch, &mut (0, 0), 1_000, boot_us),
                "{boot_us} us in 10 ms"
            );
        }
    }

    #[test]
    fn a_clock_slower_or_faster_than_the_guard_covers_is_off_within_seconds() {
        for boot_us in [3_000, 8_800, 11_200, 30_000] {
            let mut watch = ClockWatch::new();
            assert!(
                run(&mut watch, &mut (0, 0), 250, boot_us),
                "{boot_us} us in 10 ms"
            );
        }
    }

    #[test]
    fn turns_that_are_far_apart_are_judged_by_their_rate_however_much_the_clocks_part_in_one() {
        let mut watch = ClockWatch::new();
        for turn in 0..20 {
            // Half a second in ten: as far as the kernel may slew.
            let (boot_ns, raw_ns) = (turn * 9_500_000_000, turn * 10_000_000_000);
            assert!(!watch.reads_off(Instant(boot_ns), raw_ns), "turn {turn}");
        }
    }

    #[test]
    fn a_clock_that_runs_true_again_is_not_off_any_more() {
        let mut watch = ClockWatch::new();
        let mut clocks = (0, 0);
        assert!(run(&mut watch, &mut clocks, 250, 12_000));
        run(&mut watch, &mut clocks, 250, 10_000);
        assert!(!run(&mut watch, &mut clocks, 100, 10_000));
    }

    #[test]
    fn a_suspend_and_resume_is_no_rate() {
        let mut watch = ClockWatch::new();
        let mut clocks = (0, 0);
        assert!(!run(&mut watch, &mut clocks, 50, 10_000));
        clocks.0 += 3_600_000_000_000;
        assert!(!run(&mut watch, &mut clocks, 500, 10_000));
        assert!(
            run(&mut watch, &mut clocks, 250, 12_000),
            "the watch goes on after it"
        );
    }

    #[test]
    fn a_pause_between_the_two_readings_is_no_rate() {
        let mut watch = ClockWatch::new();
        let mut clocks = (0, 0);
        assert!(!run(&mut watch, &mut clocks, 50, 10_000));
        clocks.0 += 10_000_000;
        clocks.1 += 10_000_000;
        assert!(!watch.reads_off(Instant(clocks.0), clocks.1 + 3_000_000_000));
        clocks.0 += 3_000_000_000;
        clocks.1 += 3_000_000_000;
        assert!(!run(&mut watch, &mut clocks, 500, 10_000));
    }
}
