//! The recorder: what happens to the election and what it commands, in a bounded file, so that every decision can be
//! stepped through afterwards.
//!
//! The pulse writes entries into pages that are there from the start, and hands them to a thread of ordinary priority,
//! which deflates and writes them. Neither waits for the other.

mod answers;
mod error;
mod file;
mod item;
mod node;
mod read;
mod replay;
mod tap;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

pub use error::ReadError;
pub use item::{Birth, Cause, Gap};
pub use node::RecordedNode;
pub use read::{Ended, Record};
pub use replay::{Differs, Replay, ReplayError, Step, What};
pub use tap::Tap;
pub use worker::Told;

use tap::{PAGES, PARCELS_DEPTH, Page};
use worker::Worker;

/// How long the daemon's end waits for what is left to be written: a disk may hang.
const PATIENCE: Duration = Duration::from_secs(1);

/// The recorder's thread, as the daemon holds it.
#[derive(Debug)]
pub struct Recorder {
    ended: Receiver<()>,
}

impl Recorder {
    /// Starts a thread that records into `file`, and gives the pulse's side of it. `file` and the older one beside
    /// it ([`older`]) together hold `max_size` bytes, and at most what the queue holds more.
    ///
    /// # Errors
    /// When there is no thread to be had. A file that cannot be written is told, and tried again.
    pub fn start(
        file: PathBuf,
        max_size: u64,
        birth: Birth,
        tell: impl FnMut(Told) + Send + 'static,
    ) -> io::Result<(Self, Tap)> {
        let (full, parcels) = sync_channel(PARCELS_DEPTH);
        let (returned, empty) = sync_channel(PAGES);
        for _ in 0..PAGES {
            // There is room for each.
            let _ = returned.try_send(Page::new());
        }
        let wanted = Arc::new(AtomicBool::new(false));
        let worker = Worker::new(
            file,
            max_size / 2,
            returned,
            Arc::clone(&wanted),
            Box::new(tell),
        );
        let (alive, ended) = sync_channel(0);
        thread::Builder::new()
            .name("recorder".into())
            .spawn(move || {
                worker.run(&parcels);
                drop(alive);
            })?;
        Ok((
            Self { ended },
            Tap::new(full, empty, wanted, Box::new(birth)),
        ))
    }

    /// Waits until all is written, once the pulse has ended. Whether it was in time.
    #[must_use]
    pub fn finish(&self) -> bool {
        self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
    }
}

/// Where the file goes when a new one is begun.
#[must_use]
pub fn older(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".1");
    name.into()
}
