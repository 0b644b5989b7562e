//! What a node keeps on disk between its lives: the highest epoch it stood in, and the electors' set it
//! goes by.
//!
//! Both are small files, replaced whole (written beside, synced, renamed), so that a crash leaves the
//! old one or the new one. Neither is ever waited for by the pulse.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use heartbeat_core::{Epoch, Slot};
use serde::{Deserialize, Serialize};

const FLOOR_FILE: &str = "epoch.json";
const ELECTORS_FILE: &str = "electors.json";

/// The folder of one node's state.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

/// The electors' set in force: the one every frame and vote names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElectorSet {
    /// Version, from 1.
    pub version: u32,
    /// Digest of `slots` and `max_lease_us`.
    pub digest: u32,
    /// The electors, ascending.
    pub slots: Vec<Slot>,
    /// Longest lease of the cluster, in microseconds.
    pub max_lease_us: u64,
}

impl ElectorSet {
    /// Whether it is none that was ever saved: nobody could win by it.
    const fn is_none(&self) -> bool {
        self.slots.is_empty() || self.max_lease_us == 0 || self.version == 0
    }
}

#[derive(Serialize, Deserialize)]
struct Floor {
    round: u64,
    slot: Slot,
}

/// What went wrong with the state folder.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder or a file in it cannot be used.
    #[error(
        "state file {path}: {source}; the daemon needs to read and write this folder (--state names it)"
    )]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds something else than what was written.
    #[error(
        "state file {path} is damaged ({source}); if this node is no master now, move the file away and start \
         again: it then goes by the configuration's electors and learns the epoch from the others"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl StateFolder {
    /// Opens the folder, making it if it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        fs::create_dir_all(path).map_err(|source| StateError::Io {
            path: path.into(),
            source,
        })?;
        Ok(Self { path: path.into() })
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The highest epoch this node ever stood in; [`Epoch::NONE`] before the first.
    ///
    /// # Errors
    /// When the file is there and cannot be read as one.
    pub fn floor(&self) -> Result<Epoch, StateError> {
        let floor: Option<Floor> = self.read(FLOOR_FILE)?;
        Ok(floor.map_or(Epoch::NONE, |floor| Epoch::new(floor.round, floor.slot)))
    }

    /// Saves the highest epoch this node stood in.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn save_floor(&self, epoch: Epoch) -> Result<(), StateError> {
        self.write(
            FLOOR_FILE,
            &Floor {
                round: epoch.round(),
                slot: epoch.slot(),
            },
        )
    }

    /// The electors' set in force, if one was saved.
    ///
    /// # Errors
    /// When the file is there and cannot be read as one.
    pub fn electors(&self) -> Result<Option<ElectorSet>, StateError> {
        let set: Option<ElectorSet> = self.read(ELECTORS_FILE)?;
        if set.as_ref().is_some_and(ElectorSet::is_none) {
            return Err(StateError::Damaged {
                path: self.path.join(ELECTORS_FILE),
                source: serde::de::Error::custom("no electors, no max_lease or no version"),
            });
        }
        Ok(set)
    }

    /// Saves the electors' set, before it is used.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn save_electors(&self, set: &ElectorSet) -> Result<(), StateError> {
        self.write(ELECTORS_FILE, set)
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<Option<T>, StateError> {
        let path = self.path.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| StateError::Damaged { path, source })
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StateError> {
        let path = self.path.join(name);
        let text = serde_json::to_vec(value).expect("plain numbers and lists always serialise");
        replace_whole(&path, &text).map_err(|source| StateError::Io { path, source })
    }
}

/// Writes beside, syncs, renames, syncs the folder: after a crash there is the old file or the new one.
fn replace_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_there_in_the_next_life() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(&folder.path().join("made")).unwrap();
        assert_eq!(state.floor().unwrap(), Epoch::NONE);
        assert_eq!(state.electors().unwrap(), None);
        state.save_floor(Epoch::new(7, 2)).unwrap();
        let set = ElectorSet {
            version: 1,
            digest: 9,
            slots: vec![1, 2, 3],
            max_lease_us: 200_000,
        };
        state.save_electors(&set).unwrap();
        let again = StateFolder::open(state.path()).unwrap();
        assert_eq!(again.floor().unwrap(), Epoch::new(7, 2));
        assert_eq!(again.electors().unwrap(), Some(set));
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        fs::write(folder.path().join(FLOOR_FILE), b"{\"round\":").unwrap();
        let error = state.floor().unwrap_err().to_string();
        assert!(
            error.contains("epoch.json") && error.contains("damaged"),
            "{error}"
        );
    }

    #[test]
    fn a_set_without_electors_is_damaged_however_well_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let empty = b"{\"version\":1,\"digest\":9,\"slots\":[],\"max_lease_us\":200000}";
        fs::write(folder.path().join(ELECTORS_FILE), empty).unwrap();
        let error = state.electors().unwrap_err().to_string();
        assert!(
            error.contains("electors.json") && error.contains("damaged"),
            "{error}"
        );
    }
}
