//! Clocks as plain nanoseconds, and a timer on the clock of every lease.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{
    ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags,
};
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Where the kernel shows by how much a process's clocks are shifted (Linux 5.6).
const TIME_NAMESPACE_FILE: &str = "/proc/self/timens_offsets";

/// `CLOCK_BOOTTIME` in nanoseconds since boot: counts suspended time, is never set, and is what
/// the kernel program reads with `bpf_ktime_get_boot_ns`. Every lease and grant is told in it.
#[must_use]
pub fn boot_ns() -> u64 {
    now_ns(ClockId::CLOCK_BOOTTIME)
}

/// `CLOCK_MONOTONIC_RAW` in nanoseconds: the hardware's own rate, which no time service slews.
#[must_use]
pub fn raw_ns() -> u64 {
    now_ns(ClockId::CLOCK_MONOTONIC_RAW)
}

/// `CLOCK_REALTIME` in nanoseconds since 1970; for what people read, never for a decision.
#[must_use]
pub fn wall_ns() -> u64 {
    now_ns(ClockId::CLOCK_REALTIME)
}

fn now_ns(clock: ClockId) -> u64 {
    // clock_gettime fails only for a clock that the kernel does not have or a bad pointer.
    let now = clock_gettime(clock).expect("linux has had these clocks since 2.6.39");
    u64::try_from(now.num_nanoseconds()).expect("these clocks count up from zero")
}

/// Waits until `at_ns` of `CLOCK_BOOTTIME`; a signal may end it early.
pub fn sleep_until(at_ns: u64) {
    let at = TimeSpec::nanoseconds(i64::try_from(at_ns).unwrap_or(i64::MAX));
    // It fails by a signal alone, and who waits looks at the clock.
    let _ = clock_nanosleep(
        ClockId::CLOCK_BOOTTIME,
        ClockNanosleepFlags::TIMER_ABSTIME,
        &at,
    );
}

/// A timer on `CLOCK_BOOTTIME` whose descriptor becomes readable at an absolute time.
///
/// Absolute, so that a thread that was paused between reading the clock and setting the timer
/// still wakes at the time it meant.
#[derive(Debug)]
pub struct BootTimer(TimerFd);

impl BootTimer {
    /// # Errors
    /// What timerfd_create(2) answers, in practice only an exhausted file table.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self(TimerFd::new(TimerClock::CLOCK_BOOTTIME, flags)?))
    }

    /// Fires once at `at_ns` of `CLOCK_BOOTTIME`; at once if that has passed. Replaces what was set, and takes a
    /// firing back: the descriptor is readable no more until then (timerfd_settime(2)).
    ///
    /// # Errors
    /// What timerfd_settime(2) answers.
    pub fn set(&self, at_ns: u64) -> io::Result<()> {
        // Zero would disarm the timer instead of firing it.
        let at_ns = i64::try_from(at_ns.max(1)).unwrap_or(i64::MAX);
        let at = Expiration::OneShot(TimeSpec::nanoseconds(at_ns));
        Ok(self.0.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?)
    }

    /// Fires no more until it is set again.
    ///
    /// # Errors
    /// What timerfd_settime(2) answers.
    pub fn unset(&self) -> io::Result<()> {
        Ok(self.0.unset()?)
    }
}

impl AsFd for BootTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Why the clocks of this process cannot carry a lease.
#[derive(Debug, thiserror::Error)]
pub enum TimeNamespaceError {
    /// The boot clock is shifted against the kernel's.
    #[error(
        "this process runs in a time namespace whose boot clock differs from the kernel's by {seconds} s and \
         {nanoseconds} ns ({TIME_NAMESPACE_FILE}), so no lease could be compared with the kernel program's; start the \
         daemon in the host's time namespace"
    )]
    Shifted {
        /// Whole seconds of the shift.
        seconds: i64,
        /// What is left of it, below one second.
        nanoseconds: i64,
    },
    /// The kernel's file could not be understood.
    #[error(
        "cannot tell whether this process is in a time namespace from {TIME_NAMESPACE_FILE}: {cause}"
    )]
    Unreadable {
        /// What is wrong with the file.
        cause: String,
    },
}

/// Makes sure that this process's `CLOCK_BOOTTIME` is the kernel's own.
///
/// # Errors
/// [`TimeNamespaceError`] in a time namespace with a shifted boot clock.
pub fn check_time_namespace() -> Result<(), TimeNamespaceError> {
    match fs::read_to_string(Path::new(TIME_NAMESPACE_FILE)) {
        Ok(text) => check_offsets(&text),
        // No such file: a kernel without time namespaces, so there can be no shift.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(TimeNamespaceError::Unreadable {
            cause: error.to_string(),
        }),
    }
}

/// Judges the lines `clock seconds nanoseconds` of the kernel's file.
fn check_offsets(text: &str) -> Result<(), TimeNamespaceError> {
    let unreadable = |line: &str| TimeNamespaceError::Unreadable {
        cause: format!("unexpected line {line:?}"),
    };
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        // Older kernels print the clock's number (7), newer ones its name.
        if !matches!(words.next(), Some("boottime" | "7")) {
            continue;
        }
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
        let seconds = number().ok_or_else(|| unreadable(line))?;
        let nanoseconds = number().ok_or_else(|| unreadable(line))?;
        if (seconds, nanoseconds) != (0, 0) {
            return Err(TimeNamespaceError::Shifted {
                seconds,
                nanoseconds,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    #[test]
    fn the_boot_clock_only_goes_forward() {
        let first = boot_ns();
        let second = boot_ns();
        assert!(second >= first);
        assert!(first > 0);
    }

    #[test]
    fn a_timer_set_to_the_past_fires_at_once_until_it_is_set_again() {
        let timer = BootTimer::new().expect("a timer descriptor is to be had");
        timer.set(0).expect("the timer can be set");
        let mut fds = [PollFd::new(timer.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut fds, PollTimeout::from(1000u16)), Ok(1));
        let far = boot_ns() + 60_000_000_000;
        timer.set(far).expect("the timer can be set");
        assert_eq!(poll(&mut fds, PollTimeout::from(20u16)), Ok(0));
    }

    #[test]
    fn a_timer_never_fires_before_its_time_and_not_at_all_when_unset() {
        let timer = BootTimer::new().expect("a timer descriptor is to be had");
        let at = boot_ns() + 20_000_000;
        timer.set(at).expect("the timer can be set");
        let mut fds = [PollFd::new(timer.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut fds, PollTimeout::from(1000u16)), Ok(1));
        assert!(boot_ns() >= at);
        timer
            .set(boot_ns() + 10_000_000)
            .expect("the timer can be set");
        timer.unset().expect("the timer can be unset");
        assert_eq!(
            poll(
                &mut [PollFd::new(timer.as_fd(), PollFlags::POLLIN)],
                PollTimeout::from(40u16)
            ),
            Ok(0)
        );
    }

    #[test]
    fn a_shifted_boot_clock_is_found_and_a_shifted_monotonic_clock_is_no_matter() {
        assert!(
            check_offsets("monotonic           0         0\nboottime            0         0\n")
                .is_ok()
        );
        assert!(
            check_offsets("monotonic       86400         0\nboottime            0         0\n")
                .is_ok()
        );
        assert!(matches!(
            check_offsets("monotonic 0 0\nboottime -5 250\n"),
            Err(TimeNamespaceError::Shifted {
                seconds: -5,
                nanoseconds: 250
            })
        ));
        assert!(matches!(
            check_offsets("7 0 1\n"),
            Err(TimeNamespaceError::Shifted { .. })
        ));
        assert!(matches!(
            check_offsets("boottime zero 0\n"),
            Err(TimeNamespaceError::Unreadable { .. })
        ));
    }

    #[test]
    fn this_machine_is_accepted() {
        check_time_namespace().expect("tests run with the kernel's own boot clock");
    }
}
