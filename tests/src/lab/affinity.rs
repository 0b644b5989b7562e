//! Who may run on which processor.

use std::fs;

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Gives the calling thread its former processors back when dropped.
#[derive(Debug)]
pub struct Bound {
    former: CpuSet,
}

impl Drop for Bound {
    fn drop(&mut self) {
        // It had them before.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.former);
    }
}

/// Keeps the calling thread, and what it starts, on one processor.
///
/// # Errors
/// When there is no such processor.
pub fn bind_here(processor: usize) -> Result<Bound> {
    let this = Pid::from_raw(0);
    let former = sched_getaffinity(this)?;
    sched_setaffinity(this, &only(processor)?)?;
    Ok(Bound { former })
}

/// Keeps all threads of a process on one processor, and those that they start.
///
/// # Errors
/// When it has ended, or there is no such processor.
pub fn bind_process(pid: u32, processor: usize) -> Result<()> {
    let folder = format!("/proc/{pid}/task");
    for thread in fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        let name = thread?.file_name();
        let thread: i32 = name.to_string_lossy().parse()?;
        sched_setaffinity(Pid::from_raw(thread), &only(processor)?)
            .with_context(|| format!("cannot bind thread {thread} to processor {processor}"))?;
    }
    Ok(())
}

fn only(processor: usize) -> Result<CpuSet> {
    let mut set = CpuSet::new();
    set.set(processor)?;
    Ok(set)
}
