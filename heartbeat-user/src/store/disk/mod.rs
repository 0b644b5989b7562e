//! The store's file: one database, in which each write is whole or not at all, and synced before it counts.

mod open;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use heartbeat_store::{DiskWrite, StoreId, Stored, Trouble};
use redb::{Database, Durability, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::state::StateError;
use open::open;
use write::{carry_out, set};

/// Entries by key.
const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");
/// Entries of a state that comes in parts.
const ASIDE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("aside");
/// Everything else, by these names.
const FACTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("facts");
const IDENTITY: &str = "identity";
const PROMISED: &str = "promised";
const REST: &str = "rest";

/// Memory that the database may keep pages in, in bytes: all that is read often is in memory besides.
const CACHE_BYTES: usize = 4 << 20;
/// Version of what is written here.
const LAYOUT: u16 = 1;

/// Which store a file holds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Identity {
    layout: u16,
    store: StoreId,
    /// Writes that took effect: tells whether one that failed did so all the same.
    writes: u64,
}

/// What went wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    /// The file cannot be used.
    #[error(
        "the store {path} cannot be used: {source}; look after the disk and the folder's rights"
    )]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database in it cannot be used.
    #[error(
        "the store {path} cannot be used: {cause}; if it is damaged, move it away while this node is no master: the master \
         refills a new one"
    )]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: redb::Error,
    },
    /// What stands in it was not written by this version.
    #[error(
        "the store {path} holds what this version does not understand ({what}); start the version that wrote it, or move it \
         away while this node is no master: the master refills a new one"
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },
    /// What goes before a promise is not on the disk.
    #[error(transparent)]
    Floor(StateError),
}

/// Why a write was not made.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct WriteError {
    /// In a word.
    pub(super) trouble: Trouble,
    /// Whether it is certain that nothing of it is there. If not, the file must be opened anew, and its store be made anew
    /// from it.
    pub(super) is_known: bool,
    /// In words.
    pub(super) error: DiskError,
}

impl From<StateError> for WriteError {
    fn from(error: StateError) -> Self {
        let error = DiskError::Floor(error);
        Self {
            trouble: trouble(&error),
            is_known: true,
            error,
        }
    }
}

/// The open file, and what it holds.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    /// `None` after a failure after which it could not be opened anew.
    database: Option<Database>,
    identity: Identity,
    stored: Stored,
}

impl Disk {
    /// Opens the file, making a new store in it if it is missing. It is not to be read by others.
    ///
    /// # Errors
    /// [`DiskError`].
    pub(super) fn open(path: &Path) -> Result<Self, DiskError> {
        let (database, identity, stored) = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            database: Some(database),
            identity,
            stored,
        })
    }

    /// What it holds.
    #[must_use]
    pub(super) const fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Writes it, and returns when it lasts. A failure may come late, when all is written: then the file is opened anew
    /// and asked.
    ///
    /// # Errors
    /// [`WriteError`], which says whether it is known not to be there.
    pub(super) fn write(&mut self, write: &DiskWrite) -> Result<(), WriteError> {
        let wanted = self.identity.writes + 1;
        let Err(error) = self.try_to(write) else {
            return Ok(());
        };
        // The database takes nothing more after a failure, and what is in memory may be half of the write.
        self.database = None;
        let is_known = match open(&self.path) {
            Ok((database, identity, stored)) => {
                self.database = Some(database);
                (self.identity, self.stored) = (identity, stored);
                if identity.writes == wanted {
                    return Ok(());
                }
                true
            }
            Err(_) => false,
        };
        Err(WriteError {
            trouble: trouble(&error),
            is_known,
            error,
        })
    }

    fn try_to(&mut self, write: &DiskWrite) -> Result<(), DiskError> {
        let database =
            (self.database.as_ref()).expect("who cannot know what was written opens it anew");
        self.identity.writes += 1;
        let (identity, stored) = (self.identity, &mut self.stored);
        let mut made = || -> Result<(), redb::Error> {
            let mut transaction = database.begin_write()?;
            if matches!(write, DiskWrite::Part { .. }) {
                transaction
                    .set_durability(Durability::None)
                    .expect("no savepoint is made here");
            }
            carry_out(&transaction, write, stored)?;
            set(&transaction, IDENTITY, &identity)?;
            transaction.commit()?;
            Ok(())
        };
        made().map_err(|cause| DiskError::Database {
            path: self.path.clone(),
            cause,
        })
    }
}

fn trouble(error: &DiskError) -> Trouble {
    let io = match error {
        DiskError::Io { source, .. } | DiskError::Floor(StateError::Io { source, .. }) => {
            Some(source)
        }
        DiskError::Database {
            cause: redb::Error::Io(source),
            ..
        } => Some(source),
        DiskError::Database { .. }
        | DiskError::Foreign { .. }
        | DiskError::Floor(StateError::Damaged { .. }) => None,
    };
    let is_full = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    };
    if io.is_some_and(is_full) {
        Trouble::Full
    } else {
        Trouble::Broken
    }
}
