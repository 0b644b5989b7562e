//! How often the configuration was reloaded, and how the last time went.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::control::{ReloadStatus, rfc3339};

/// Counted since the daemon's start; cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Tally(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    status: ReloadStatus,
    /// When the configuration was read that is in force, or found to be so again.
    configured: SystemTime,
}

impl Tally {
    /// The daemon starts by a configuration.
    pub(in crate::daemon) fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            status: ReloadStatus::default(),
            configured: SystemTime::now(),
        })))
    }

    pub(super) fn note(&self, outcome: Result<(), &String>) {
        let mut inner = self.lock();
        let now = SystemTime::now();
        if outcome.is_ok() {
            inner.configured = now;
        }
        let tally = &mut inner.status;
        match outcome {
            Ok(()) => tally.applied += 1,
            Err(_) => tally.refused += 1,
        }
        tally.last_at = Some(rfc3339(now));
        tally.fault = outcome.err().cloned();
    }

    pub(in crate::daemon) fn status(&self) -> ReloadStatus {
        self.lock().status.clone()
    }

    /// When a configuration was put in force last.
    pub(in crate::daemon) fn configured(&self) -> SystemTime {
        self.lock().configured
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Numbers and texts, each whole by itself: a panic elsewhere leaves nothing that misleads.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
