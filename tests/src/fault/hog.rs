//! Programs that take the processors.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use heartbeat_user::sys::realtime::{self, Priority};

use crate::lab::Lab;
use crate::lab::helper::Helper;
use crate::lab::netns::Netns;

/// Starts as many hogs as the machine has processors, at nice 0 or at that `SCHED_FIFO` level.
/// They belong to no node: a namespace has the whole machine's processors. They stop with the drop.
///
/// # Errors
/// When they cannot be started, or may not have that level.
pub fn start(lab: &Lab, namespace: &Netns, fifo: Option<u8>) -> Result<Helper> {
    let mut arguments = vec!["hog".to_owned()];
    arguments.extend(fifo.map(|level| level.to_string()));
    let mut helper = Helper::start(namespace, lab.folder(), "hog", &arguments)?;
    helper.ready()?;
    Ok(helper)
}

/// Spins on every processor until `stop`.
///
/// # Errors
/// When a thread may not have the level.
pub fn run(fifo: Option<Priority>, stop: &AtomicBool) -> Result<()> {
    let count = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        let hogs: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| spin(fifo, stop)))
            .collect();
        println!("at work");
        hogs.into_iter().try_for_each(|hog| {
            hog.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn spin(fifo: Option<Priority>, stop: &AtomicBool) -> Result<()> {
    let _level = fifo.map(realtime::enter).transpose()?;
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        number = black_box(number.wrapping_add(1));
    }
    Ok(())
}
