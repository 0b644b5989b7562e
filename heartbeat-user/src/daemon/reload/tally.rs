//! How often the configuration was reloaded, and how the last time went.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::control::{ReloadStatus, rfc3339};

/// Counted since the daemon's start; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::daemon) struct Tally(Arc<Mutex<ReloadStatus>>);

impl Tally {
    pub(super) fn note(&self, outcome: Result<(), &String>) {
        let mut tally = self.lock();
        match outcome {
            Ok(()) => tally.applied += 1,
            Err(_) => tally.refused += 1,
        }
        tally.last_at = Some(rfc3339(SystemTime::now()));
        tally.fault = outcome.err().cloned();
    }

    pub(in crate::daemon) fn status(&self) -> ReloadStatus {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ReloadStatus> {
        // Numbers and texts, each whole by itself: a panic elsewhere leaves nothing that misleads.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
