//! Doing something at fixed times, as exactly as the machine allows.

use std::time::Duration;

use heartbeat_user::sys::clock::boot_ns;
use heartbeat_user::sys::realtime::{self, Priority, Realtime};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

/// Priorities of the lookers-on: real-time, so that a busy machine does not blur what they see, but
/// below the daemon's threads, so that they never delay what they look at.
pub const ASKING: Priority = Priority::new(40);
/// The receiving half must stamp an answer before the next question leaves.
pub const RECEIVING: Priority = Priority::new(42);
/// The service that answers: its delay would be taken for the cluster's.
pub const ANSWERING: Priority = Priority::new(41);

/// Gives the calling thread that priority as long as the guard lives; says so if it may not.
#[must_use]
pub fn hurry(priority: Priority) -> Option<Realtime> {
    realtime::enter(priority)
        .inspect_err(|error| eprintln!("measuring without real-time priority: {error}"))
        .ok()
}

/// Absolute times, one interval apart.
#[derive(Debug)]
pub struct Schedule {
    next_ns: u64,
    interval_ns: u64,
}

impl Schedule {
    /// The first time is one interval from now.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos())
            .unwrap_or(u64::MAX)
            .max(1);
        Self {
            next_ns: boot_ns() + interval_ns,
            interval_ns,
        }
    }

    /// Sleeps until the next time and returns the time it really is, in nanoseconds of
    /// CLOCK_BOOTTIME. Times that passed meanwhile are left out: a burst would only measure itself.
    pub fn wait(&mut self) -> u64 {
        sleep_until(self.next_ns);
        let now = boot_ns();
        let behind = now.saturating_sub(self.next_ns) / self.interval_ns;
        self.next_ns += (behind + 1) * self.interval_ns;
        now
    }
}

/// Sleeps until `at_ns` of CLOCK_BOOTTIME; returns at once if that has passed.
pub fn sleep_until(at_ns: u64) {
    let at = TimeSpec::nanoseconds(i64::try_from(at_ns).unwrap_or(i64::MAX));
    let flags = ClockNanosleepFlags::TIMER_ABSTIME;
    // Only a signal ends it early, and then the same absolute time is meant.
    while clock_nanosleep(ClockId::CLOCK_BOOTTIME, flags, &at) == Err(nix::errno::Errno::EINTR) {}
}
