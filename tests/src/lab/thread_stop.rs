//! One thread of a process stopped while the others go on: what waits for a disk that hangs looks like that.

use std::fs;

use anyhow::{Context, Result, ensure};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A stopped thread; it goes on when this is dropped, by the thread that made it.
#[derive(Debug)]
pub struct ThreadStop(Pid);

impl ThreadStop {
    /// Stops the thread of this name in that process.
    ///
    /// # Errors
    /// When there is no such thread, or without the right to trace it.
    pub fn of(process: u32, name: &str) -> Result<Self> {
        let thread = find(process, name)?;
        ptrace::seize(thread, ptrace::Options::empty()).context("cannot trace the thread")?;
        let stop = Self(thread);
        ptrace::interrupt(thread)?;
        let status = waitpid(thread, Some(WaitPidFlag::__WALL))?;
        ensure!(
            matches!(
                status,
                WaitStatus::PtraceEvent(..) | WaitStatus::Stopped(..)
            ),
            "the thread did not stop: {status:?}"
        );
        Ok(stop)
    }
}

fn find(process: u32, name: &str) -> Result<Pid> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        let its_name = fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        if its_name.trim_end() == name {
            let number = thread.file_name().to_string_lossy().parse()?;
            return Ok(Pid::from_raw(number));
        }
    }
    anyhow::bail!("process {process} has no thread {name}")
}

impl Drop for ThreadStop {
    fn drop(&mut self) {
        if let Err(error) = ptrace::detach(self.0, None) {
            eprintln!("lab: thread {} stays stopped: {error}", self.0);
        }
    }
}
