//! The ledger as its tasks share it: each change of it goes to the disk, and wakes who waits for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use heartbeat_core::Instant;
use tokio::sync::watch;

use super::board::Clock;
use super::disk::ToWrite;
use super::ledger::Ledger;
use crate::sys::clock::boot_ns;

/// Shared by the alarms' tasks and by who answers operators. Never touched by the pulse.
#[derive(Debug)]
pub(super) struct Desk {
    ledger: Mutex<Ledger>,
    changed: watch::Sender<()>,
    disk: watch::Sender<ToWrite>,
}

impl Desk {
    /// And the end by which the disk is written.
    pub(super) fn new(ledger: Ledger) -> (Self, watch::Receiver<ToWrite>) {
        let (disk, to_write) = watch::channel(ToWrite {
            saved: Arc::new(ledger.saved()),
            is_last: false,
        });
        let desk = Self {
            ledger: Mutex::new(ledger),
            changed: watch::Sender::new(()),
            disk,
        };
        (desk, to_write)
    }

    /// Changes it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Ledger, Clock) -> T) -> T {
        let (outcome, saved) = {
            let mut ledger = self.lock();
            let outcome = change(&mut ledger, now());
            (outcome, ledger.saved())
        };
        self.disk.send_if_modified(|known| {
            let is_new = *known.saved != saved;
            if is_new {
                known.saved = Arc::new(saved);
            }
            is_new
        });
        self.changed.send_replace(());
        outcome
    }

    /// Looks at it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.lock())
    }

    /// What tells of each change.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Nothing is written any more after what it is now.
    pub(super) fn close(&self) {
        self.disk.send_modify(|known| known.is_last = true);
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // Nothing in the ledger is left half done by a panic elsewhere.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time now.
pub(super) fn now() -> Clock {
    Clock {
        now: Instant(boot_ns()),
        wall: SystemTime::now(),
    }
}
