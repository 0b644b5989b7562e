//! The store's file: one database, in which each write is whole or not at all, and synced before it counts.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use heartbeat_store::{
    Batch, Change, DiskWrite, Entry, Key, Reign, Rest, State, StoreId, Stored, Trouble,
};
use redb::backends::FileBackend;
use redb::{
    Builder, Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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

/// Makes a write in a transaction, and in memory.
fn carry_out(
    transaction: &WriteTransaction,
    write: &DiskWrite,
    stored: &mut Stored,
) -> Result<(), redb::Error> {
    match write {
        DiskWrite::Promise(reign) => {
            stored.promised = *reign;
            set(transaction, PROMISED, reign)
        }
        DiskWrite::Batches { batches, noted } => {
            stored.noted.clone_from(noted);
            for batch in batches {
                stored.state.apply(batch);
            }
            put_changed(transaction, batches, &stored.state)?;
            set(transaction, REST, &rest_of(stored))
        }
        DiskWrite::Part { is_first, entries } => {
            if *is_first {
                transaction.delete_table(ASIDE)?;
            }
            let mut aside = transaction.open_table(ASIDE)?;
            for (key, entry) in entries {
                aside.insert(key.as_str(), &*encoded(entry))?;
            }
            Ok(())
        }
        DiskWrite::Replace(rest) => replace(transaction, rest, stored),
    }
}

/// The entries that batches touched, as they are after all of them.
fn put_changed(
    transaction: &WriteTransaction,
    batches: &[Batch],
    state: &State,
) -> Result<(), redb::Error> {
    let mut entries = transaction.open_table(ENTRIES)?;
    for change in batches.iter().flat_map(|batch| &batch.changes) {
        let (Change::Put { key, .. } | Change::Delete { key }) = change else {
            continue;
        };
        match state.entries().get(key) {
            Some(entry) => drop(entries.insert(key.as_str(), &*encoded(entry))?),
            None => drop(entries.remove(key.as_str())?),
        }
    }
    Ok(())
}

fn replace(
    transaction: &WriteTransaction,
    rest: &Rest,
    stored: &mut Stored,
) -> Result<(), redb::Error> {
    transaction.delete_table(ENTRIES)?;
    // An empty state comes without parts.
    drop(transaction.open_table(ASIDE)?);
    transaction.rename_table(ASIDE, ENTRIES)?;
    set(transaction, REST, rest)?;
    let table = transaction.open_table(ENTRIES)?;
    let mut entries = Vec::new();
    for item in table.iter()? {
        let (key, entry) = item?;
        let decoded = decoded_entry(key.value(), entry.value());
        let damaged = || redb::Error::Corrupted(format!("entry {:?}", key.value()));
        entries.push(decoded.ok_or_else(damaged)?);
    }
    stored.state = State::new(
        rest.stamp,
        rest.holders.clone(),
        rest.lineage.clone(),
        entries.into_iter().collect(),
    );
    stored.noted.clone_from(&rest.noted);
    Ok(())
}

fn rest_of(stored: &Stored) -> Rest {
    Rest {
        stamp: stored.state.stamp,
        holders: stored.state.holders.clone(),
        lineage: stored.state.lineage.clone(),
        noted: stored.noted.clone(),
    }
}

fn set(
    transaction: &WriteTransaction,
    name: &str,
    fact: &impl Serialize,
) -> Result<(), redb::Error> {
    let mut facts = transaction.open_table(FACTS)?;
    facts.insert(name, &*encoded(fact))?;
    Ok(())
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("what is stored has no part that cannot be written")
}

fn decoded_entry(key: &str, bytes: &[u8]) -> Option<(Key, Entry)> {
    Some((Key::new(key).ok()?, postcard::from_bytes(bytes).ok()?))
}

fn open(path: &Path) -> Result<(Database, Identity, Stored), DiskError> {
    let is_new = !path.exists();
    let database = database(path)?;
    let failed = |cause| DiskError::Database {
        path: path.to_owned(),
        cause,
    };
    if is_new {
        found(&database).map_err(failed)?;
        sync_folder(path)?;
    }
    let (identity, stored) = load(&database, path)?;
    Ok((database, identity, stored))
}

fn database(path: &Path) -> Result<Database, DiskError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|source| DiskError::Io {
            path: path.to_owned(),
            source,
        })?;
    let failed = |cause| DiskError::Database {
        path: path.to_owned(),
        cause,
    };
    let backend = FileBackend::new(file).map_err(|cause| failed(cause.into()))?;
    Builder::new()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(backend)
        .map_err(|cause| failed(cause.into()))
}

/// Makes a new store of a new identity.
fn found(database: &Database) -> Result<(), redb::Error> {
    let mut random = [0; size_of::<StoreId>()];
    getrandom::fill(&mut random).expect("the kernel has random numbers");
    let stored = Stored::new(StoreId(random));
    let identity = Identity {
        layout: LAYOUT,
        store: stored.store,
        writes: 0,
    };
    let transaction = database.begin_write()?;
    drop(transaction.open_table(ENTRIES)?);
    set(&transaction, PROMISED, &stored.promised)?;
    set(&transaction, REST, &rest_of(&stored))?;
    set(&transaction, IDENTITY, &identity)?;
    transaction.commit()?;
    Ok(())
}

/// A new file is there after a crash only when its folder is synced.
fn sync_folder(path: &Path) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| DiskError::Io {
        path: folder.to_owned(),
        source,
    })
}

fn load(database: &Database, path: &Path) -> Result<(Identity, Stored), DiskError> {
    let foreign = |what| DiskError::Foreign {
        path: path.to_owned(),
        what,
    };
    let read = || -> Result<Read, redb::Error> {
        let transaction = database.begin_read()?;
        let facts = transaction.open_table(FACTS)?;
        let fact = |name| -> Result<Vec<u8>, redb::Error> {
            let found = facts.get(name)?;
            Ok(found
                .map(|found| found.value().to_vec())
                .unwrap_or_default())
        };
        let table = transaction.open_table(ENTRIES)?;
        let mut entries = Vec::new();
        for item in table.iter()? {
            let (key, entry) = item?;
            entries.push(decoded_entry(key.value(), entry.value()));
        }
        Ok(Read {
            identity: fact(IDENTITY)?,
            promised: fact(PROMISED)?,
            rest: fact(REST)?,
            entries,
        })
    };
    let read = read().map_err(|cause| DiskError::Database {
        path: path.to_owned(),
        cause,
    })?;
    let identity: Identity = decoded(&read.identity).ok_or_else(|| foreign(IDENTITY))?;
    if identity.layout != LAYOUT {
        return Err(foreign("layout"));
    }
    let promised: Reign = decoded(&read.promised).ok_or_else(|| foreign(PROMISED))?;
    let rest: Rest = decoded(&read.rest).ok_or_else(|| foreign(REST))?;
    let entries: Option<Vec<(Key, Entry)>> = read.entries.into_iter().collect();
    let entries = entries.ok_or_else(|| foreign("entries"))?;
    let stored = Stored {
        store: identity.store,
        promised,
        state: State::new(
            rest.stamp,
            rest.holders,
            rest.lineage,
            entries.into_iter().collect(),
        ),
        noted: rest.noted,
    };
    Ok((identity, stored))
}

/// What stands in a file, as bytes.
struct Read {
    identity: Vec<u8>,
    promised: Vec<u8>,
    rest: Vec<u8>,
    /// `None` for what is no entry.
    entries: Vec<Option<(Key, Entry)>>,
}

fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

fn trouble(error: &DiskError) -> Trouble {
    let io = match error {
        DiskError::Io { source, .. } => Some(source),
        DiskError::Database {
            cause: redb::Error::Io(source),
            ..
        } => Some(source),
        DiskError::Database { .. } | DiskError::Foreign { .. } => None,
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

#[cfg(test)]
mod tests;
