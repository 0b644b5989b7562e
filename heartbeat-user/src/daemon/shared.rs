//! Facts that several threads of the daemon know of: how the responder is attached, what this node lacks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::datapath::Mode;

/// Shared facts; cheap to clone. Never touched by the pulse.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// By interface: how heartbeats are answered there.
    answered: BTreeMap<String, Mode>,
    warnings: Vec<String>,
    /// By interface: why it does not do its part now.
    lacking: BTreeMap<String, String>,
}

impl Facts {
    /// The responder is attached to this interface so.
    pub(super) fn attached(&self, interface: &str, mode: Mode) {
        self.lock().answered.insert(interface.to_owned(), mode);
    }

    /// This interface is gone, and the responder with it.
    pub(super) fn detached(&self, interface: &str) {
        self.lock().answered.remove(interface);
    }

    /// How the responder is attached to this interface, if it is.
    pub(super) fn mode(&self, interface: &str) -> Option<Mode> {
        self.lock().answered.get(interface).copied()
    }

    /// Says what this node lacks, in the log now and in `status` from now on.
    pub(super) fn warn(&self, warning: String) {
        warn!("{warning}");
        let warnings = &mut self.lock().warnings;
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// This interface does not do its part now; shown in `status` until [`Facts::whole`].
    pub(super) fn lacks(&self, interface: &str, why: String) {
        self.lock().lacking.insert(interface.to_owned(), why);
    }

    /// This interface does its part.
    pub(super) fn whole(&self, interface: &str) {
        self.lock().lacking.remove(interface);
    }

    /// Everything that this node lacks.
    pub(super) fn warnings(&self) -> Vec<String> {
        let inner = self.lock();
        let lacking = inner.lacking.values();
        inner.warnings.iter().chain(lacking).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is one assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
