//! Alarms and sinks as others see them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::board::Standing;
use super::desk::Desk;
use super::ledger::Ledger;
use crate::control::SinkStatus;

/// Cheap to clone. Never touched by the pulse.
#[derive(Clone, Debug)]
pub struct View(Arc<Desk>);

impl View {
    pub(super) const fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// When each alarm in force was raised, by its key.
    #[must_use]
    pub fn raised_at(&self) -> BTreeMap<String, SystemTime> {
        self.0.look(Ledger::raised_at)
    }

    /// Every sink, in the configuration's order.
    #[must_use]
    pub fn sinks(&self) -> Vec<SinkStatus> {
        self.0.look(Ledger::statuses)
    }

    /// What a master says and every sink has heard of: what the cluster's dynamic information is to keep, and
    /// [`Told::Inherited`](super::Told::Inherited) to tell the next master.
    #[must_use]
    pub fn heard(&self) -> Vec<Standing> {
        self.0.look(Ledger::heard)
    }
}
