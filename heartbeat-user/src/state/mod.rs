//! What a node keeps on disk between its lives: the highest epoch it stood in, what it knows of the
//! electors' sets, and, in a pair, what it was last.
//!
//! They are small files, replaced whole (written beside, synced, renamed), so that a crash leaves the
//! old one or the new one. Neither is ever waited for by the pulse.

mod pair;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use heartbeat_core::electors::{Accepted, Ballot};
use heartbeat_core::pair::PairRecord;
use heartbeat_core::{ElectorRecord, ElectorSet, Epoch, Slot, Slots};
use serde::{Deserialize, Serialize};

pub use pair::Clocks;
use pair::SavedPair;

const FLOOR_FILE: &str = "epoch.json";
const ELECTORS_FILE: &str = "electors.json";
const PAIR_FILE: &str = "pair.json";

/// The folder of one node's state.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: PathBuf,
}

/// The electors' sets as the file has them.
#[derive(Serialize, Deserialize)]
struct SavedElectors {
    #[serde(flatten)]
    in_force: SavedSet,
    /// Taken from the configuration file, and not known to be in force anywhere.
    #[serde(default)]
    proposed: bool,
    #[serde(default)]
    promised_ballot: u64,
    #[serde(default)]
    next: Option<SavedNext>,
    /// Of any set that this node ever agreed to.
    #[serde(default)]
    longest_lease_us: u64,
}

#[derive(Serialize, Deserialize)]
struct SavedNext {
    ballot: u64,
    #[serde(flatten)]
    set: SavedSet,
}

#[derive(Serialize, Deserialize)]
struct SavedSet {
    version: u32,
    slots: Vec<Slot>,
    max_lease_us: u64,
}

impl SavedSet {
    fn of(set: &ElectorSet) -> Self {
        Self {
            version: set.version,
            slots: set.slots.iter().collect(),
            max_lease_us: us(set.max_lease),
        }
    }

    /// `None` if it is none that was ever saved: nobody could win by it.
    fn set(&self) -> Option<ElectorSet> {
        let is_none = self.slots.is_empty() || self.max_lease_us == 0 || self.version == 0;
        let slots = Slots::new(self.slots.iter().copied()).filter(|_| !is_none)?;
        Some(ElectorSet {
            version: self.version,
            slots,
            max_lease: Duration::from_micros(self.max_lease_us),
        })
    }
}

impl SavedElectors {
    fn of(record: &ElectorRecord) -> Self {
        Self {
            in_force: SavedSet::of(&record.in_force),
            proposed: record.is_proposed,
            promised_ballot: record.promised.0,
            next: record.accepted.as_ref().map(|accepted| SavedNext {
                ballot: accepted.ballot.0,
                set: SavedSet::of(&accepted.set),
            }),
            longest_lease_us: us(record.longest_lease),
        }
    }

    fn record(&self) -> Option<ElectorRecord> {
        let in_force = self.in_force.set()?;
        let accepted = match &self.next {
            Some(next) => Some(Accepted {
                ballot: Ballot(next.ballot),
                set: next.set.set()?,
            }),
            None => None,
        };
        Some(ElectorRecord {
            in_force,
            is_proposed: self.proposed,
            promised: Ballot(self.promised_ballot),
            accepted,
            longest_lease: Duration::from_micros(self.longest_lease_us).max(in_force.max_lease),
        })
    }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[derive(Serialize, Deserialize)]
struct Floor {
    round: u64,
    slot: Slot,
}

/// A file that bears its own checksum.
#[derive(Serialize, Deserialize)]
struct Checked {
    /// The value, as the text of its JSON.
    value: String,
    /// BLAKE3 of that text, in hexadecimal.
    checksum: String,
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

    /// What stands here of the electors' sets, if anything was saved.
    ///
    /// # Errors
    /// When the file is there and cannot be read as one.
    pub fn electors(&self) -> Result<Option<ElectorRecord>, StateError> {
        let saved: Option<SavedElectors> = self.read(ELECTORS_FILE)?;
        let record = saved.as_ref().map(SavedElectors::record);
        if record == Some(None) {
            return Err(StateError::Damaged {
                path: self.path.join(ELECTORS_FILE),
                source: serde::de::Error::custom("no electors, no max_lease or no version"),
            });
        }
        Ok(record.flatten())
    }

    /// Saves the electors' sets, before anything of them is used or told.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn save_electors(&self, record: &ElectorRecord) -> Result<(), StateError> {
        self.write(ELECTORS_FILE, &SavedElectors::of(record))
    }

    /// What this node of a pair was last, its age counted up to now; `None` if it never ran.
    ///
    /// # Errors
    /// When the file is there and is not what was written.
    pub fn pair(&self) -> Result<Option<PairRecord>, StateError> {
        let Some(saved) = self.read::<SavedPair>(PAIR_FILE)? else {
            return Ok(None);
        };
        let now = Clocks::read()?;
        let record = saved.record(&now).ok_or_else(|| StateError::Damaged {
            path: self.path.join(PAIR_FILE),
            source: serde::de::Error::custom("its checksum is another one"),
        })?;
        Ok(Some(record))
    }

    /// Saves what this node of a pair is.
    ///
    /// # Errors
    /// When the file cannot be written or synced.
    pub fn save_pair(&self, record: &PairRecord, now: &Clocks) -> Result<(), StateError> {
        self.write(PAIR_FILE, &SavedPair::of(record, now))
    }

    /// What stands in one of the folder's files, if it is there.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub(crate) fn read<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, StateError> {
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

    /// The same of a file that bears its own checksum ([`StateFolder::write_checked`]).
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub(crate) fn read_checked<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, StateError> {
        let Some(checked) = self.read::<Checked>(name)? else {
            return Ok(None);
        };
        let damaged = |source| StateError::Damaged {
            path: self.path.join(name),
            source,
        };
        if blake3::hash(checked.value.as_bytes()).to_string() != checked.checksum {
            let other = serde::de::Error::custom("its checksum is another one");
            return Err(damaged(other));
        }
        serde_json::from_str(&checked.value)
            .map(Some)
            .map_err(damaged)
    }

    /// Replaces one of the folder's files, with a checksum in it.
    ///
    /// # Errors
    /// When it cannot be written or synced.
    pub(crate) fn write_checked<T: Serialize>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), StateError> {
        let value = serde_json::to_string(value).expect("plain values always serialise");
        let checksum = blake3::hash(value.as_bytes()).to_string();
        self.write(name, &Checked { value, checksum })
    }

    /// Replaces one of the folder's files.
    ///
    /// # Errors
    /// When it cannot be written or synced.
    pub(crate) fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StateError> {
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
        let set = |version, slots: [Slot; 3], ms| ElectorSet {
            version,
            slots: Slots::new(slots).unwrap(),
            max_lease: Duration::from_millis(ms),
        };
        let record = ElectorRecord {
            promised: Ballot(9),
            accepted: Some(Accepted {
                ballot: Ballot(8),
                set: set(2, [1, 2, 4], 300),
            }),
            longest_lease: Duration::from_millis(300),
            ..ElectorRecord::proposed(set(1, [1, 2, 3], 200))
        };
        state.save_electors(&record).unwrap();
        let again = StateFolder::open(state.path()).unwrap();
        assert_eq!(again.floor().unwrap(), Epoch::new(7, 2));
        assert_eq!(again.electors().unwrap(), Some(record));
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
    fn the_file_of_a_version_without_changes_of_electors_is_read_as_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        let old = b"{\"version\":1,\"digest\":9,\"slots\":[1,2,3],\"max_lease_us\":200000}";
        fs::write(folder.path().join(ELECTORS_FILE), old).unwrap();
        let record = state.electors().unwrap().unwrap();
        assert_eq!(record.in_force.slots.as_slice(), [1, 2, 3]);
        assert!(!record.is_proposed && record.accepted.is_none());
        assert_eq!(record.longest_lease, Duration::from_millis(200));
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
