//! The recorder's thread: writes what it is given, begins new files, and goes without a file while there is no room.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use heartbeat_core::Instant as BootInstant;

use super::ReadError;
use super::file::Segment;
use super::item::{Cause, Gap, Item};
use super::older;
use super::tap::{Beginning, Page, Parcel};
use crate::sys::clock::{boot_ns, wall_ns};

/// How often a file that cannot be written is tried again, and for how long it must be written without a fault until
/// that is told: on a disk that is full the last bytes are free now and then.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What an operator should hear of.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing is recorded from now on; told once.
    Failing(String),
    /// It is again.
    Works {
        /// So many entries were lost meanwhile.
        lost: u64,
    },
}

/// Why the file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("{path} cannot be written: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{0}; move it away, or name another file")]
    Read(#[from] ReadError),
}

/// While the file cannot be written.
struct Failing {
    /// Entries.
    lost: u64,
    /// Those of them that the file does not tell of yet.
    unsaid: u64,
    tried: Instant,
    /// From when on it was written again.
    works_since: Option<Instant>,
}

impl Failing {
    fn new() -> Self {
        Self {
            lost: 0,
            unsaid: 0,
            tried: Instant::now(),
            works_since: None,
        }
    }

    const fn lose(&mut self, entries: u64) {
        self.lost += entries;
        self.unsaid += entries;
    }
}

/// What the thread works with.
pub(super) struct Worker {
    path: PathBuf,
    /// Length at which a file becomes the older one.
    longest: u64,
    empty: SyncSender<Page>,
    wanted: Arc<AtomicBool>,
    tell: Box<dyn FnMut(Told) + Send>,
    segment: Option<Segment>,
    /// A copy of the election is under way.
    asked: bool,
    failing: Option<Failing>,
}

impl Worker {
    pub(super) fn new(
        path: PathBuf,
        longest: u64,
        empty: SyncSender<Page>,
        wanted: Arc<AtomicBool>,
        tell: Box<dyn FnMut(Told) + Send>,
    ) -> Self {
        Self {
            path,
            longest,
            empty,
            wanted,
            tell,
            segment: None,
            asked: false,
            failing: None,
        }
    }

    /// Works until the pulse has ended.
    pub(super) fn run(mut self, parcels: &Receiver<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Page(mut page) => {
                    self.go_on(&page);
                    page.clear();
                    // Fails only when the pulse has ended.
                    let _ = self.empty.try_send(page);
                }
                Parcel::Begin(gap, beginning) => self.begin(gap, beginning),
            }
        }
    }

    fn go_on(&mut self, page: &Page) {
        if let Some(failing) = self.failing.as_mut().filter(|it| it.works_since.is_none()) {
            failing.lose(page.items);
            if failing.tried.elapsed() >= TRY_AGAIN_AFTER {
                failing.tried = Instant::now();
                self.want();
            }
            return;
        }
        let Some(segment) = &mut self.segment else {
            return;
        };
        let mut bytes = clocks();
        bytes.extend(page.written());
        if let Err(source) = segment.write(false, &bytes) {
            let error = self.io(source);
            return self.fail(&error, page.items);
        }
        if segment.length >= self.longest && !self.asked {
            self.want();
        }
        self.tell_if_steady();
    }

    fn tell_if_steady(&mut self) {
        let is_steady = |failing: &mut Failing| {
            let works_since = failing.works_since;
            works_since.is_some_and(|since| since.elapsed() >= TRY_AGAIN_AFTER)
        };
        if let Some(failing) = self.failing.take_if(is_steady) {
            (self.tell)(Told::Works { lost: failing.lost });
        }
    }

    /// Asks for a copy of the election, to begin with.
    fn want(&mut self) {
        self.asked = true;
        self.wanted.store(true, Ordering::Relaxed);
    }

    fn begin(&mut self, behind: Option<Gap>, beginning: Beginning) {
        self.asked = false;
        let unsaid = self.failing.as_ref().map_or(0, |failing| failing.unsaid);
        let unwritable = (unsaid > 0).then_some(Gap {
            lost: unsaid,
            cause: Cause::Unwritable,
        });
        let mut bytes = clocks();
        for gap in [unwritable, behind].into_iter().flatten() {
            bytes.extend(encode(&Item::Gap(gap)));
        }
        bytes.extend(encode(&match beginning {
            Beginning::Start(birth) => Item::Start(birth),
            Beginning::Checkpoint(checkpoint) => Item::Checkpoint(checkpoint),
        }));
        match self.begin_with(&bytes) {
            Ok(()) => {
                if let Some(failing) = &mut self.failing {
                    (failing.unsaid, failing.works_since) = (0, Some(Instant::now()));
                }
            }
            Err(error) => self.fail(&error, behind.map_or(0, |gap| gap.lost)),
        }
    }

    /// Writes where a replay can begin, into a new file if the newest one is long enough.
    fn begin_with(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.open()?,
        };
        if segment.length >= self.longest {
            segment = self.rotate()?;
        }
        let written = segment.write(true, bytes);
        self.segment = Some(segment);
        written.map_err(|source| self.io(source))
    }

    fn open(&self) -> Result<Segment, WriteError> {
        match Segment::go_on(&self.path) {
            Ok(Some(segment)) => Ok(segment),
            Ok(None) => self.rotate(),
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Segment::create(&self.path).map_err(|source| self.io(source))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn rotate(&self) -> Result<Segment, WriteError> {
        fs::rename(&self.path, older(&self.path))
            .and_then(|()| Segment::create(&self.path))
            .map_err(|source| self.io(source))
    }

    fn fail(&mut self, error: &WriteError, lost: u64) {
        let is_news = self.failing.is_none();
        let failing = self.failing.get_or_insert_with(Failing::new);
        failing.lose(lost);
        (failing.tried, failing.works_since) = (Instant::now(), None);
        if is_news {
            (self.tell)(Told::Failing(error.to_string()));
        }
    }

    fn io(&self, source: io::Error) -> WriteError {
        WriteError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// Both clocks as they are now.
fn clocks() -> Vec<u8> {
    encode(&Item::Clocks {
        boot: BootInstant(boot_ns()),
        wall_ns: wall_ns(),
    })
}

fn encode(item: &Item<'_>) -> Vec<u8> {
    postcard::to_allocvec(item).expect("memory is all that it needs")
}
