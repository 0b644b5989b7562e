//! Opening the file, and reading all that is in it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use heartbeat_store::{Entry, Key, Reign, Rest, State, StoreId, Stored};
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _};
use serde::de::DeserializeOwned;

use super::write::{decoded_entry, rest_of, set};
use super::{CACHE_BYTES, DiskError, ENTRIES, FACTS, IDENTITY, Identity, LAYOUT, PROMISED, REST};

/// Opens the file, founding a store in it if it is missing.
pub(super) fn open(path: &Path) -> Result<(Database, Identity, Stored), DiskError> {
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
