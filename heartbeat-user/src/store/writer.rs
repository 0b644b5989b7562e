//! The thread that the store's disk may hold up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use heartbeat_store::{DiskId, DiskWrite, State, Stored, Trouble};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::backup;
use super::disk::{Disk, DiskError, WriteError};
use crate::floor::Floors;

/// The store's file in the folder of the node's state.
const FILE: &str = "info.redb";
/// What a store that was set back is put aside as.
const SET_BACK_FILE: &str = "info-set-back.redb";
/// Pause before a file that could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Orders on their way to the disk, and answers on their way back: one write at a time, and what is kept of a state that
/// gave way.
const DEPTH: usize = 8;

/// What the disk is to do.
#[derive(Debug)]
pub(super) enum DiskOrder {
    /// To write this.
    Write(DiskId, DiskWrite),
    /// To keep this state, which gave way to the master's.
    Keep(Box<State>),
    /// To put the store aside, and make a new one.
    PutAside,
}

/// What the disk has done.
#[derive(Debug)]
pub(super) enum DiskSays {
    /// This is what it holds: of what it was told before, whatever is not in it was not written.
    Opened(Box<Stored>),
    /// It cannot be opened, for this reason; it is tried again.
    Absent(String),
    /// That write lasts.
    Written(DiskId),
    /// That write was not made.
    Failed(DiskId, Trouble),
}

/// Starts the thread, which opens the file first of all.
///
/// # Errors
/// When there is no thread to be had.
pub(super) fn start(
    folder: &Path,
    floors: Floors,
) -> io::Result<(SyncSender<DiskOrder>, mpsc::Receiver<DiskSays>)> {
    let (orders, taken) = sync_channel(DEPTH);
    let (says, said) = mpsc::channel(DEPTH);
    let writer = Writer {
        folder: folder.to_owned(),
        floors,
        orders: taken,
        says,
    };
    let thread = thread::Builder::new().name("store-disk".into());
    thread.spawn(move || writer.run())?;
    Ok((orders, said))
}

struct Writer {
    folder: PathBuf,
    floors: Floors,
    orders: Receiver<DiskOrder>,
    says: mpsc::Sender<DiskSays>,
}

impl Writer {
    /// Ends when nobody orders any more.
    fn run(self) {
        while let Some(disk) = self.open() {
            let is_told = self.says(DiskSays::Opened(Box::new(disk.stored().clone())));
            if !is_told || self.serve(disk).is_none() {
                return;
            }
        }
    }

    /// Opens the file, as often as it takes. `None`: nobody waits for it any more.
    fn open(&self) -> Option<Disk> {
        let mut told = None;
        loop {
            match Disk::open(&self.folder.join(FILE)) {
                Ok(disk) => return Some(disk),
                Err(why) => {
                    let why = why.to_string();
                    if told.as_ref() != Some(&why) {
                        error!("{why}; dynamic information is not kept here until it can be");
                        self.says(DiskSays::Absent(why.clone())).then_some(())?;
                        told = Some(why);
                    }
                }
            }
            self.rest()?;
        }
    }

    /// Waits before the next attempt. What comes meanwhile is for a store that is no more.
    fn rest(&self) -> Option<()> {
        match self.orders.recv_timeout(AGAIN) {
            Ok(_) | Err(RecvTimeoutError::Timeout) => Some(()),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Carries out orders until the file has to be opened anew. `None`: nobody orders any more.
    fn serve(&self, mut disk: Disk) -> Option<()> {
        loop {
            let is_told = match self.orders.recv().ok()? {
                DiskOrder::Write(id, write) => match self.write(&mut disk, &write) {
                    Ok(()) => self.says(DiskSays::Written(id)),
                    Err(failure) => {
                        warn!("{failure}");
                        if !failure.is_known {
                            return Some(());
                        }
                        self.says(DiskSays::Failed(id, failure.trouble))
                    }
                },
                DiskOrder::Keep(state) => {
                    if let Err(why) = backup::keep(&self.folder, &state) {
                        error!("{why}; what gave way is not kept");
                    }
                    true
                }
                DiskOrder::PutAside => {
                    drop(disk);
                    if let Err(why) = put_aside(&self.folder) {
                        error!("{why}");
                    }
                    return Some(());
                }
            };
            is_told.then_some(())?;
        }
    }

    /// An epoch is this node's floor before it is promised, so that no later election ends below what a majority's stores
    /// follow.
    fn write(&self, disk: &mut Disk, write: &DiskWrite) -> Result<(), WriteError> {
        if let DiskWrite::Promise(reign) = write {
            self.floors.save(reign.epoch)?;
        }
        disk.write(write)
    }

    /// Whether anybody listens still.
    fn says(&self, said: DiskSays) -> bool {
        self.says.blocking_send(said).is_ok()
    }
}

fn put_aside(folder: &Path) -> Result<(), DiskError> {
    let path = folder.join(FILE);
    fs::rename(&path, folder.join(SET_BACK_FILE)).map_err(|source| DiskError::Io { path, source })
}
