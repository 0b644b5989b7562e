//! A wall clock that one process has to itself.
//!
//! The kernel gives namespaces a monotonic clock of their own, and no wall clock. A daemon that is started with this
//! library before the C library (`LD_PRELOAD`) reads a `CLOCK_REALTIME` that is off by what a file says, so the lab
//! steps it while it runs, and nobody else's. Every other clock is the kernel's.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use libc::{CLOCK_REALTIME, CLOCK_REALTIME_COARSE, c_int, clockid_t, timespec};

/// Names the file: one signed number of eight bytes, the machine's byte order, in seconds.
const VARIABLE: &str = "HEARTBEAT_WALL_CLOCK";

/// The C library's function of that name, which the standard library reads its clocks by.
///
/// # Safety
/// `time` is null or valid for a write, as clock_gettime(2) asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    // SAFETY: the kernel writes to `time` if it can be written to, and says so otherwise.
    let done = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if done == 0 && matches!(clock, CLOCK_REALTIME | CLOCK_REALTIME_COARSE) {
        // SAFETY: the kernel has just written there.
        unsafe { (*time).tv_sec += seconds_off() };
    }
    if done == 0 { 0 } else { -1 }
}

fn seconds_off() -> i64 {
    static OFF: OnceLock<Option<&'static AtomicI64>> = OnceLock::new();
    let off = OFF.get_or_init(mapped);
    off.map_or(0, |off| off.load(Ordering::Relaxed))
}

/// The file's number, shared with who writes it; `None` without a file.
fn mapped() -> Option<&'static AtomicI64> {
    let path = std::env::var_os(VARIABLE)?;
    let file = File::open(path).ok()?;
    let is_whole = file.metadata().ok()?.len() >= 8;
    let (protection, flags) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: a new mapping, of a file that has the bytes that are read from it.
    let place = unsafe { libc::mmap(ptr::null_mut(), 8, protection, flags, file.as_raw_fd(), 0) };
    if !is_whole || place == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: a page is aligned for it, and this one is never unmapped; who writes it writes all eight bytes at once.
    Some(unsafe { &*place.cast::<AtomicI64>() })
}
