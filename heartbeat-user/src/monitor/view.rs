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
    pub(super) since: Instant,
    pub(super) last_success: Option<Instant>,
    pub(super) fault: Option<String>,
    pub(super) last_fault: Option<(String, Instant)>,
    pub(super) overruns: u64,
    pub(super) attempts: u32,
    pub(super) next_attempt: Option<Instant>,
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
            state_age_us: age_us(shown.since),
            last_success_age_us: shown.last_success.map(age_us),
            fault: shown.fault.clone(),
            last_fault: shown.last_fault.as_ref().map(|(fault, _)| fault.clone()),
            last_fault_age_us: shown.last_fault.as_ref().map(|(_, at)| age_us(*at)),
            overruns: shown.overruns,
            attempts: shown.attempts,
            next_attempt_us: shown.next_attempt.map(|at| nanos(at.since(now)) / 1_000),
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
