//! This node's own floor: one that writes at a time, and never a lower epoch in the place of a higher one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use heartbeat_core::Epoch;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::error;

use crate::state::{StateError, StateFolder};

/// Says what the election's floor is.
type Known = dyn Fn() -> Epoch + Send + Sync;

/// What is on this node's disk; cheap to clone.
#[derive(Clone)]
pub(super) struct Own(Arc<Inner>);

struct Inner {
    state: StateFolder,
    /// The election's floor.
    known: Box<Known>,
    /// Held by who writes.
    writing: Mutex<()>,
    saved: watch::Sender<Epoch>,
}

impl Own {
    pub(super) fn new(
        state: StateFolder,
        saved: Epoch,
        known: impl Fn() -> Epoch + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            state,
            known: Box::new(known),
            writing: Mutex::new(()),
            saved: watch::Sender::new(saved),
        }))
    }

    pub(super) fn save(&self, epoch: Epoch) -> Result<(), StateError> {
        let writing = self.0.writing.lock();
        self.write(epoch, &writing.unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, epoch: Epoch, _writing: &MutexGuard<'_, ()>) -> Result<(), StateError> {
        if epoch > *self.0.saved.borrow() {
            self.0.state.save_floor(epoch)?;
        }
        // Who waits looks again in any case: what the election goes by may be new.
        self.0.saved.send_modify(|saved| *saved = epoch.max(*saved));
        Ok(())
    }

    /// Waits until the election goes by it and it is on the disk, for so long at most. Why it is not, in words.
    pub(super) async fn has(&self, epoch: Epoch, within: Duration) -> Result<(), String> {
        let is_known = || (self.0.known)() >= epoch;
        if is_known() && *self.0.saved.borrow() < epoch {
            self.write_again(epoch).await?;
        }
        let mut saved = self.0.saved.subscribe();
        // Fails only without a sender, and this is one.
        let on_disk = saved.wait_for(|saved| *saved >= epoch && is_known());
        match timeout(within, on_disk).await {
            Ok(_) => Ok(()),
            Err(_) if is_known() => Err("its disk does not have it yet".to_owned()),
            Err(_) => Err("it has not heard of that mastership yet".to_owned()),
        }
    }

    /// The first attempt failed, or has not begun. While somebody else's is on its way there is nothing to be done: a disk
    /// that hangs holds up one thread.
    async fn write_again(&self, epoch: Epoch) -> Result<(), String> {
        let own = self.clone();
        let attempt = move || match own.0.writing.try_lock() {
            Ok(writing) => own.write(epoch, &writing),
            Err(TryLockError::Poisoned(poisoned)) => own.write(epoch, &poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Ok(()),
        };
        let outcome = spawn_blocking(attempt).await;
        match outcome {
            Ok(written) => written.map_err(|error| error.to_string()),
            Err(panicked) => {
                error!(%panicked, "the epoch was not written");
                Err(panicked.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    fn epoch(round: u64) -> Epoch {
        Epoch::new(round, 1)
    }

    /// One whose election goes by this, and the folder that it writes into.
    fn own(known: &watch::Sender<Epoch>) -> (Own, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let known = known.subscribe();
        let own = Own::new(state, Epoch::NONE, move || *known.borrow());
        (own, folder)
    }

    fn on_disk(folder: &TempDir) -> Epoch {
        StateFolder::open(folder.path()).unwrap().floor().unwrap()
    }

    #[test]
    fn a_lower_epoch_never_takes_a_higher_one_s_place() {
        let (own, folder) = own(&watch::Sender::new(epoch(9)));
        for round in [4, 7, 5] {
            own.save(epoch(round)).unwrap();
        }
        assert_eq!(on_disk(&folder), epoch(7));
    }

    #[tokio::test]
    async fn it_has_what_is_on_the_disk_and_what_the_election_goes_by_and_nothing_else() {
        let known = watch::Sender::new(epoch(4));
        let (own, folder) = own(&known);
        assert_eq!(own.has(epoch(4), SOON).await, Ok(()));
        assert_eq!(on_disk(&folder), epoch(4), "written when it was asked");
        let unheard = Err("it has not heard of that mastership yet".to_owned());
        assert_eq!(own.has(epoch(5), SOON).await, unheard);
        // On the disk by the store, which is no election.
        own.save(epoch(5)).unwrap();
        assert_eq!(own.has(epoch(5), SOON).await, unheard);
        let waits = own.has(epoch(5), 100 * SOON);
        let told = async {
            known.send_replace(epoch(5));
            own.save(epoch(5)).unwrap();
        };
        assert_eq!(tokio::join!(waits, told).0, Ok(()));
    }

    #[tokio::test]
    async fn a_write_that_failed_is_tried_again_when_it_is_asked_for() {
        let (own, folder) = own(&watch::Sender::new(epoch(4)));
        let path = folder.path().to_owned();
        fs::remove_dir(&path).unwrap();
        assert!(own.save(epoch(4)).is_err());
        let why = own.has(epoch(4), SOON).await.unwrap_err();
        assert!(why.contains("epoch.json"), "{why}");
        fs::create_dir(&path).unwrap();
        assert_eq!(own.has(epoch(4), SOON).await, Ok(()));
        assert_eq!(on_disk(&folder), epoch(4));
    }
}
