//! Whether the machine itself was to be had: a thread on each processor, above every other program, that only
//! looks how long it was not run. When it was not, nobody's daemon can have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use heartbeat_user::sys::realtime::{self, Priority};

use crate::lab::affinity::bind_here;

/// How often each thread looks.
const EVERY: Duration = Duration::from_millis(2);

/// The threads; they end with the drop.
#[derive(Debug)]
pub struct Machine {
    over: Arc<AtomicBool>,
    worst_ns: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Machine {
    /// Looks on from now on.
    ///
    /// # Errors
    /// When a thread cannot be started, or may not have that processor and priority.
    pub fn watch() -> Result<Self> {
        let mut machine = Self {
            over: Arc::default(),
            worst_ns: Arc::default(),
            threads: Vec::new(),
        };
        for processor in 0..thread::available_parallelism()?.get() {
            let (over, worst_ns) = (Arc::clone(&machine.over), Arc::clone(&machine.worst_ns));
            let thread = thread::Builder::new()
                .name(format!("machine-{processor}"))
                .spawn(move || -> Result<()> {
                    let _bound = bind_here(processor)?;
                    let _raised = realtime::enter(Priority::new(Priority::MAX))?;
                    look(&over, &worst_ns);
                    Ok(())
                })
                .context("cannot start a thread")?;
            machine.threads.push(thread);
        }
        Ok(machine)
    }

    /// The longest that one of the processors ran no program at all, however urgent, though one was due.
    #[must_use]
    pub fn withheld(&self) -> Duration {
        Duration::from_nanos(self.worst_ns.load(Ordering::Relaxed))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that failed has seen nothing, which excuses nobody.
            let _ = thread.join();
        }
    }
}

fn look(over: &AtomicBool, worst_ns: &AtomicU64) {
    let mut last = Instant::now();
    while !over.load(Ordering::Relaxed) {
        thread::sleep(EVERY);
        let now = Instant::now();
        let late = (now - last).saturating_sub(EVERY);
        worst_ns.fetch_max(
            u64::try_from(late.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        last = now;
    }
}
