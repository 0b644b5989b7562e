//! The disk's copy of what is to outlive the daemon.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info};

use super::saved::Saved;
use crate::state::StateFolder;

/// Pause after a write that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// What is to be on the disk.
#[derive(Clone, Debug)]
pub(super) struct ToWrite {
    pub(super) saved: Arc<Saved>,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

/// Writes the newest again and again, until there is a last one. What was overtaken while the disk was busy is left out.
pub(super) async fn keep(state: StateFolder, mut to_write: watch::Receiver<ToWrite>) {
    let mut is_failing = false;
    while to_write.changed().await.is_ok() {
        loop {
            let newest = to_write.borrow_and_update().clone();
            let written = newest.saved.write(&state);
            match &written {
                Err(error) if !is_failing => error!(
                    "{error}; a daemon that ends now may send alarms again, or not know of some; told once until it works"
                ),
                Ok(()) if is_failing => info!("alarms are on the disk again"),
                Ok(()) | Err(_) => {}
            }
            is_failing = written.is_err();
            if newest.is_last {
                return;
            }
            if !is_failing {
                break;
            }
            sleep(AGAIN).await;
        }
    }
}
