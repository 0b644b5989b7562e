//! Memory that is never fetched from disk while a period runs.

use std::hint::black_box;

use nix::errno::Errno;
use nix::sys::mman::{MlockAllFlags, mlockall};

/// Stack that a real-time thread touches before it starts its work, in bytes. Far above the deepest
/// call of pulse and hands (below 32 KiB), far below the 2 MiB that std gives a thread.
pub const PREFAULT_BYTES: usize = 256 * 1024;

/// Smallest page of any architecture that Linux runs on; a larger step would miss pages.
const PAGE_BYTES: usize = 4096;

/// Why memory could not be locked, and what that costs.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot lock this process's memory: {errno}; under memory pressure a page may have to be read from disk in the \
     middle of a period, which can cost the lease; give the process CAP_IPC_LOCK or raise RLIMIT_MEMLOCK to unlimited"
)]
pub struct MemoryLockError {
    /// What mlockall(2) answered: EPERM without any right, ENOMEM above the limit.
    pub errno: Errno,
}

/// Locks everything mapped now, and everything mapped later from its first touch on.
///
/// Later mappings are locked on fault (Linux 4.4) and not filled at once: else every thread that
/// tokio starts would pin the whole of its 2 MiB stack. Real-time threads fill their own stack with
/// [`prefault_stack`], and allocate nothing after that.
///
/// # Errors
/// [`MemoryLockError`] when the process lacks the right; nothing later is locked then.
pub fn lock_all() -> Result<(), MemoryLockError> {
    let future_on_fault =
        MlockAllFlags::MCL_FUTURE | MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    // Two calls: on-fault in the first would leave untouched pages of what is mapped now out.
    mlockall(MlockAllFlags::MCL_CURRENT)
        .and_then(|()| mlockall(future_on_fault))
        .map_err(|errno| MemoryLockError { errno })
}

/// Touches [`PREFAULT_BYTES`] of the calling thread's stack, so that its pages exist (and, after
/// [`lock_all`], stay) before the first period.
#[inline(never)]
pub fn prefault_stack() {
    let mut stack = [0u8; PREFAULT_BYTES];
    for page in stack.chunks_mut(PAGE_BYTES) {
        page[0] = black_box(1);
    }
    black_box(&mut stack);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minor faults of the calling thread so far.
    fn faults() -> i64 {
        nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_THREAD)
            .expect("own resource usage is readable")
            .minor_page_faults()
    }

    #[test]
    fn a_prefaulted_stack_causes_no_page_fault_when_it_is_used() {
        std::thread::spawn(|| {
            let at_start = faults();
            prefault_stack();
            let first = faults() - at_start;
            let before_second = faults();
            prefault_stack();
            let second = faults() - before_second;
            assert!(
                first >= 60,
                "64 new pages of stack must fault, saw only {first}"
            );
            assert!(
                second <= 2,
                "the second use of the same stack faulted {second} times"
            );
        })
        .join()
        .expect("the thread does not panic");
    }

    /// Locked memory of this process in KiB (proc_pid_status(5)).
    fn locked_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("own status is readable");
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("the kernel shows locked memory")
    }

    #[test]
    fn all_memory_is_locked_or_the_refusal_says_what_that_costs() {
        match lock_all() {
            Ok(()) => {
                let locked = locked_kib();
                nix::sys::mman::munlockall().expect("giving up needs no right");
                assert!(locked > 1000, "only {locked} KiB are locked");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains("CAP_IPC_LOCK") && text.contains("lease"),
                    "{text}"
                );
            }
        }
    }
}
