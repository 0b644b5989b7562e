//! The services as operators see them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heartbeat_core::{Instant, time::nanos};

use crate::control::{ServiceStatus, ServiceWord};

/// What is known of the services; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct View(Arc<Mutex<Vec<Shown>>>);

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) check: &'static str,
    pub(super) state: ServiceWord,
    pub(super) last_success: Option<Instant>,
    pub(super) fault: Option<String>,
    pub(super) overruns: u64,
    pub(super) attempts: u32,
}

impl View {
    /// Every service, in the configuration's order.
    #[must_use]
    pub fn statuses(&self, now: Instant) -> Vec<ServiceStatus> {
        let age_us = |at: Instant| nanos(now.since(at)) / 1_000;
        let status = |shown: &Shown| ServiceStatus {
            name: shown.name.clone(),
            check: shown.check.to_owned(),
            state: shown.state,
            last_success_age_us: shown.last_success.map(age_us),
            fault: shown.fault.clone(),
            overruns: shown.overruns,
            attempts: shown.attempts,
        };
        self.lock().iter().map(status).collect()
    }

    pub(super) fn show(&self, services: Vec<Shown>) {
        *self.lock() = services;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Shown>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
