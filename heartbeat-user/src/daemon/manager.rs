//! What the service manager is told of this daemon: that it has decided for the first time, what it is, that
//! it ends.

use std::io;

use heartbeat_core::Slot;
use heartbeat_core::snapshot::Role;

use super::shared::Facts;
use crate::sys::notify::{ServiceManager, Watchdog};

/// The service manager, and what it knows.
#[derive(Debug)]
pub(super) struct Manager {
    told: ServiceManager,
    cluster: String,
    slot: Slot,
    is_ready: bool,
    /// What this node is, and why.
    role: String,
    alarms: usize,
}

impl Manager {
    /// Nothing is told yet.
    pub(super) fn new(cluster: &str, slot: Slot, facts: &Facts) -> Self {
        let told = ServiceManager::of_environment().unwrap_or_else(|error| {
            facts.warn(format!(
                "the service manager cannot be told that this daemon runs, and may take it for hung: {error}"
            ));
            ServiceManager::default()
        });
        Self {
            told,
            cluster: cluster.to_owned(),
            slot,
            is_ready: false,
            role: String::new(),
            alarms: 0,
        }
    }

    /// The watch over the pulse.
    ///
    /// # Errors
    /// Its socket cannot be had a second time.
    pub(super) fn watchdog(&self) -> io::Result<Option<Watchdog>> {
        self.told.watchdog()
    }

    /// The daemon cannot start without this; it is not ready meanwhile.
    pub(super) fn waits_for(&self, what: &str) {
        self.told.status(&format!(
            "{} in slot {} waits for {what}",
            self.cluster, self.slot
        ));
    }

    /// This node's role is this one now. Any but `init` is a decision, so that whatever is ordered after this
    /// daemon may start; that a cluster has no master must not hold a whole boot up.
    pub(super) fn role(&mut self, role: Role, reason: &str) {
        self.role = format!(
            "{} of {} in slot {}: {reason}",
            role.as_str(),
            self.cluster,
            self.slot
        );
        self.tell();
        if role != Role::Init && !self.is_ready {
            self.is_ready = true;
            self.told.ready();
        }
    }

    /// An alarm was raised, or is over.
    pub(super) fn alarm(&mut self, raised: bool) {
        self.alarms = if raised {
            self.alarms + 1
        } else {
            self.alarms.saturating_sub(1)
        };
        self.tell();
    }

    /// The daemon ends.
    pub(super) fn stopping(&self) {
        self.told.stopping();
    }

    fn tell(&self) {
        let alarms = match self.alarms {
            0 => String::new(),
            1 => "; one alarm, which `heartbeatctl status` names".to_owned(),
            more => format!("; {more} alarms, which `heartbeatctl status` names"),
        };
        self.told.status(&format!("{}{alarms}", self.role));
    }
}
