//! Real-time scheduling of the calling thread.

use std::io;
use std::marker::PhantomData;

/// A `SCHED_FIFO` priority: 1 (lowest) to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(u8);

impl Priority {
    /// The highest priority that Linux has for `SCHED_FIFO` (sched(7)).
    pub const MAX: u8 = 99;

    /// Checks the range at compile time when used in a constant.
    ///
    /// # Panics
    /// If `level` is 0 or above 99.
    #[must_use]
    pub const fn new(level: u8) -> Self {
        assert!(
            level >= 1 && level <= Self::MAX,
            "SCHED_FIFO priorities are 1 to 99"
        );
        Self(level)
    }

    /// The number that the kernel knows.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }
}

/// The pulse: above everything that only carries its orders out.
///
/// Both are above 50, where the kernel's own real-time threads run, threaded interrupt handlers among
/// them (sched_set_fifo, Linux 5.9): a storm of interrupts must not take the lease. Each runs for well
/// under a millisecond a period, so none of those starves.
pub const PULSE: Priority = Priority::new(52);

/// The hands: what waits for the kernel's RTNL lock must never hold the pulse up.
pub const HANDS: Priority = Priority::new(51);

/// The start, until what the last process left at work is taken over: below everything of the kernel's, and
/// above other programs, since a master's lease runs meanwhile.
pub const START: Priority = Priority::new(1);

/// How far a thread steps back in [`give_way`]: a tenth of an ordinary thread's share, never nothing.
const STEP_BACK: libc::c_int = 10;

/// Lets ordinary threads go before the calling one, which has much to do and nobody who waits for it.
pub fn give_way() {
    // SAFETY: takes no pointer; 0 is the calling thread. Stepping back needs no right, so it cannot fail.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, STEP_BACK) };
}

/// Why a thread could not be made a real-time thread, and what that costs.
#[derive(Debug, thiserror::Error)]
pub enum RealtimeError {
    /// The kernel refused the priority (EPERM without the right, EINVAL in odd containers).
    #[error(
        "cannot run thread {thread} at SCHED_FIFO {level}: {source}; other programs' load can now delay it past \
         the lease and cost a failover; give the process CAP_SYS_NICE or an RLIMIT_RTPRIO of at least {level}"
    )]
    Refused {
        /// Name of the thread, as in `ps -L`.
        thread: String,
        /// The wanted priority.
        level: u8,
        /// What the kernel answered.
        source: io::Error,
    },
    /// The scheduling to return to could not be read.
    #[error("cannot read the scheduling of thread {thread}: {source}")]
    Unreadable {
        /// Name of the thread.
        thread: String,
        /// What the kernel answered.
        source: io::Error,
    },
}

/// Real-time scheduling of the thread that entered it; the former scheduling returns with the drop.
///
/// Bound to its thread: it cannot be sent to another one, whose scheduling it would not restore.
#[derive(Debug)]
pub struct Realtime {
    former_policy: libc::c_int,
    former_level: libc::c_int,
    _this_thread_only: PhantomData<*const ()>,
}

/// Puts the calling thread under `SCHED_FIFO`. Programs it starts do not inherit that
/// (`SCHED_RESET_ON_FORK`, Linux 2.6.32): a hook that loops must not take the machine with it.
///
/// # Errors
/// [`RealtimeError`] when the process lacks the right; the thread then runs on as before.
pub fn enter(priority: Priority) -> Result<Realtime, RealtimeError> {
    let (former_policy, former_level) =
        scheduling().map_err(|source| RealtimeError::Unreadable {
            thread: thread_name(),
            source,
        })?;
    set_scheduling(
        libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
        libc::c_int::from(priority.0),
    )
    .map_err(|source| RealtimeError::Refused {
        thread: thread_name(),
        level: priority.0,
        source,
    })?;
    Ok(Realtime {
        former_policy,
        former_level,
        _this_thread_only: PhantomData,
    })
}

impl Drop for Realtime {
    fn drop(&mut self) {
        // Giving priority up needs no right, so this fails only if the former policy was itself a
        // real-time one whose right has gone; staying where we are is then the lesser harm.
        let _ = set_scheduling(self.former_policy, self.former_level);
    }
}

fn thread_name() -> String {
    std::thread::current()
        .name()
        .unwrap_or("(unnamed)")
        .to_owned()
}

/// Policy (with its reset-on-fork bit) and level of the calling thread.
fn scheduling() -> io::Result<(libc::c_int, libc::c_int)> {
    // SAFETY: takes no pointer; thread id 0 is the calling thread.
    let policy = unsafe { libc::sched_getscheduler(0) };
    if policy < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: `parameters` is a live, writable sched_param for the length of the call.
    if unsafe { libc::sched_getparam(0, &raw mut parameters) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((policy, parameters.sched_priority))
}

fn set_scheduling(policy: libc::c_int, level: libc::c_int) -> io::Result<()> {
    let parameters = libc::sched_param {
        sched_priority: level,
    };
    // SAFETY: `parameters` is a live sched_param that the kernel only reads.
    if unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_scheduling_returns_when_the_guard_goes() {
        let before = scheduling().expect("own scheduling is readable");
        match enter(Priority::new(1)) {
            Ok(guard) => {
                let (policy, level) = scheduling().expect("own scheduling is readable");
                assert_eq!(policy, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK);
                assert_eq!(level, 1);
                drop(guard);
            }
            Err(RealtimeError::Refused { source, .. }) => {
                assert_eq!(source.raw_os_error(), Some(libc::EPERM));
            }
            Err(RealtimeError::Unreadable { source, .. }) => panic!("{source}"),
        }
        assert_eq!(scheduling().expect("own scheduling is readable"), before);
    }

    #[test]
    fn a_refusal_says_what_is_lost_and_how_to_get_it() {
        let text = RealtimeError::Refused {
            thread: "pulse".into(),
            level: 52,
            source: io::Error::from_raw_os_error(libc::EPERM),
        }
        .to_string();
        for part in [
            "pulse",
            "SCHED_FIFO 52",
            "past the lease",
            "CAP_SYS_NICE",
            "RLIMIT_RTPRIO",
        ] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn a_program_that_is_started_does_not_inherit_the_priority() {
        let Ok(_guard) = enter(Priority::new(1)) else {
            // Straight to the descriptor: what eprintln! says in a passing test is never seen.
            let told = "skipped: real-time priority of started programs: needs CAP_SYS_NICE\n";
            let _ = io::Write::write_all(&mut io::stderr(), told.as_bytes());
            return;
        };
        // Field 41 of stat is the policy (proc_pid_stat(5)); the name before it has no spaces here.
        let output = std::process::Command::new("cat")
            .arg("/proc/self/stat")
            .output()
            .expect("cat is installed");
        let stat = String::from_utf8(output.stdout).expect("stat is text");
        assert_eq!(stat.split(' ').nth(40), Some("0"), "SCHED_OTHER in {stat}");
    }
}
