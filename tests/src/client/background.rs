//! A client that goes on until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};

use crate::lab::netns::Netns;

/// What one of the lab's machines does meanwhile.
#[derive(Debug)]
pub struct Background<T> {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<T>>,
}

impl<T: Send + 'static> Background<T> {
    /// Starts `work` on that machine; it has to end soon after it is told to.
    ///
    /// # Errors
    /// When the machine cannot be entered.
    pub fn start(
        machine: &Netns,
        work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = machine.thread(move || work(&told))?;
        Ok(Self { stop, thread })
    }

    /// Stops it; what came of it.
    ///
    /// # Errors
    /// The work's own.
    pub fn finish(self) -> Result<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("it panicked")?
    }
}
