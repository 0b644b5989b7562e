//! The hooks as operators see them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::HookStatus;

/// The newest run of each hook; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct View(Arc<Mutex<Vec<HookStatus>>>);

impl View {
    /// The hooks that were ever run by this daemon, in the order of their first run.
    #[must_use]
    pub fn statuses(&self) -> Vec<HookStatus> {
        self.lock().clone()
    }

    pub(super) fn show(&self, status: HookStatus) {
        let mut all = self.lock();
        match all.iter_mut().find(|known| known.hook == status.hook) {
            Some(known) => *known = status,
            None => all.push(status),
        }
    }

    /// It was not run after all.
    pub(super) fn withdraw(&self, hook: &str) {
        self.lock().retain(|known| known.hook != hook);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<HookStatus>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
