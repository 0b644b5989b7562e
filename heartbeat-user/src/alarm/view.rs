//! Alarms and sinks as others see them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use super::desk::Desk;
use super::ledger::Ledger;
use super::saved::Saved;
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

    /// What the next master is to go on from: the cluster's dynamic information keeps it, and
    /// [`Told::Inherited`](super::Told::Inherited) tells it. `None` while this node does not know what was left to it.
    #[must_use]
    pub fn left(&self) -> Option<Saved> {
        self.0.look(Ledger::left)
    }

    /// What tells of each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changes()
    }
}
