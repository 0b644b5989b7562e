//! The machine for oneself: who measures must not be measured beside another lab.
//!
//! Two labs can well run at once, but they share one kernel: another one's hogs take this one's
//! processors, and the lock under which it makes and removes its links is the one under which this
//! one's address moves.

use std::fs::File;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

/// Name of the file that is locked, in the folder for temporary files. It stays: to remove a lock's
/// file would let two have it.
const NAME: &str = "heartbeat-lab.lock";

/// Held as long as this lives, and at most as long as the process.
#[derive(Debug)]
pub struct Alone {
    _lock: Flock<File>,
}

impl Alone {
    /// Waits until no other process measures.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn wait() -> Result<Self> {
        let path = std::env::temp_dir().join(NAME);
        let file =
            File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err((_, errno)) => {
                Err(errno).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}
