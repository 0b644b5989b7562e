//! The configuration in force, as all who answer operators see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::Plan;

/// The plan in force; cheap to clone. A reload puts another one in its place.
#[derive(Clone, Debug)]
pub(super) struct Current(Arc<Mutex<Arc<Plan>>>);

impl Current {
    pub(super) fn new(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(plan))))
    }

    /// What is in force now.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.lock())
    }

    pub(super) fn set(&self, plan: Plan) {
        *self.lock() = Arc::new(plan);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Plan>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
