//! What the takeover thread knows, for operators.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{info, warn};

use super::verification::Verified;
use crate::net::mac::MacAddress;

/// Shared with the control socket; cheap to clone. Never touched by the pulse.
#[derive(Debug, Clone, Default)]
pub struct View(Arc<Mutex<Shown>>);

/// What is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Every address that moves and that this node bears.
    pub verified: Vec<Verified>,
    /// What this node lacks.
    pub warnings: Vec<String>,
}

impl View {
    /// All of it.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// Says once what this node lacks, in the log now and in `status` from now on.
    pub(super) fn warn(&self, warning: String) {
        let warnings = &mut self.lock().warnings;
        if !warnings.contains(&warning) {
            warn!("{warning}");
            warnings.push(warning);
        }
    }

    /// This is known now; what became an alarm, or ceased to be one, goes to the log.
    pub(super) fn show(&self, verified: &[Verified]) {
        let mut shown = self.lock();
        for address in verified {
            let before = shown
                .verified
                .iter()
                .find(|before| before.address == address.address);
            tell_changes(before, Some(address));
        }
        for before in &shown.verified {
            if !verified.iter().any(|now| now.address == before.address) {
                tell_changes(Some(before), None);
            }
        }
        shown.verified = verified.to_vec();
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        // Each change is one assignment: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_changes(before: Option<&Verified>, now: Option<&Verified>) {
    let Some(of) = now.or(before) else { return };
    let unverified = |it: Option<&Verified>| it.is_some_and(|it| it.unverified);
    match (unverified(before), unverified(now)) {
        (false, true) => {
            let answered_by = macs(of.seen.as_ref().map_or(&[], |seen| &seen.macs));
            warn!(address = %of.address, answered_by, "alarm takeover_unverified raised");
        }
        (true, false) => info!(address = %of.address, "alarm takeover_unverified cleared"),
        (true, true) | (false, false) => {}
    }
    let strangers = |it: Option<&Verified>| it.map_or(Vec::new(), |it| it.strangers.clone());
    let (were, are) = (strangers(before), strangers(now));
    if were.is_empty() && !are.is_empty() {
        warn!(address = %of.address, by = macs(&are), "alarm duplicate_address raised");
    } else if !were.is_empty() && are.is_empty() {
        info!(address = %of.address, "alarm duplicate_address cleared");
    }
}

/// As people read them.
fn macs(macs: &[MacAddress]) -> String {
    let texts: Vec<String> = macs.iter().map(MacAddress::to_string).collect();
    if texts.is_empty() {
        "nobody".to_owned()
    } else {
        texts.join(" and ")
    }
}
