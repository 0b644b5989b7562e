//! The end of a process, told by the kernel.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process whose end can be waited for, whoever started it.
#[derive(Debug)]
pub struct ProcessEnd(AsyncFd<OwnedFd>);

impl ProcessEnd {
    /// That of the process with this number (Linux 5.3). To be called on a runtime.
    ///
    /// # Errors
    /// What pidfd_open(2) answers: ESRCH if there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        // SAFETY: takes two numbers and no pointer.
        let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, libc::O_NONBLOCK) };
        let descriptor = libc::c_int::try_from(opened).map_err(io::Error::other)?;
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call made this descriptor, and nobody else has it.
        let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
        // SAFETY: an `OwnedFd` gives the same open descriptor as long as it lives, and it lives in there.
        let registered = unsafe { AsyncFd::register_with_interest(owned, Interest::READABLE) };
        Ok(Self(registered?))
    }

    /// Waits for it.
    pub async fn wait(&self) {
        // An error is the runtime's end.
        let _ = self.0.readable().await;
    }
}
