//! Programs that take the processors.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::realtime::{self, Priority};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

use crate::lab::Lab;
use crate::lab::affinity::bind_here;
use crate::lab::helper::Helper;
use crate::lab::netns::Netns;

/// Starts as many hogs as the machine has processors, at nice 0 or at that `SCHED_FIFO` level.
/// They belong to no node: a namespace has the whole machine's processors. They stop with the drop.
///
/// # Errors
/// When they cannot be started, or may not have that level.
pub fn start(lab: &Lab, namespace: &Netns, fifo: Option<u8>) -> Result<Helper> {
    begin(lab, namespace, fifo, None)
}

/// The same on one processor only, which none of them leaves.
///
/// # Errors
/// As [`start`], and when there is no such processor.
pub fn start_on(
    lab: &Lab,
    namespace: &Netns,
    fifo: Option<u8>,
    processor: usize,
) -> Result<Helper> {
    begin(lab, namespace, fifo, Some(processor))
}

/// Stops them and says how much processor time they got.
///
/// # Errors
/// When the helper failed meanwhile.
pub fn finish(hogs: Helper) -> Result<Duration> {
    let said = hogs.finish()?;
    let time_ms = said
        .trim()
        .parse()
        .with_context(|| format!("expected milliseconds, got {said:?}"))?;
    Ok(Duration::from_millis(time_ms))
}

fn begin(
    lab: &Lab,
    namespace: &Netns,
    fifo: Option<u8>,
    processor: Option<usize>,
) -> Result<Helper> {
    let mut arguments = vec!["hog".to_owned()];
    arguments.extend(fifo.map(|level| format!("--fifo={level}")));
    arguments.extend(processor.map(|processor| format!("--processor={processor}")));
    let mut helper = Helper::start(namespace, lab.folder(), "hog", &arguments)?;
    helper.ready()?;
    Ok(helper)
}

/// Spins on every processor, or on that one, until `stop`; says at the start that it is at work, at the
/// end how many milliseconds of processor time that was.
///
/// # Errors
/// When a thread may not have the level, or there is no such processor.
pub fn run(fifo: Option<Priority>, processor: Option<usize>, stop: &AtomicBool) -> Result<()> {
    let _bound = processor.map(bind_here).transpose()?;
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
    })?;
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    println!("{}", time.num_milliseconds());
    Ok(())
}

fn spin(fifo: Option<Priority>, stop: &AtomicBool) -> Result<()> {
    let _level = fifo.map(realtime::enter).transpose()?;
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        number = black_box(number.wrapping_add(1));
    }
    Ok(())
}
