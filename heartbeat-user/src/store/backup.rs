//! States that gave way to a master's are kept, for people to look at.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use heartbeat_store::{Entry, Key, State};
use serde::Serialize;

use crate::control::{EpochParts, InfoEntry, Value};

/// The folder in that of the node's state.
const FOLDER: &str = "info-given-way";
/// Most that are kept; the oldest go first.
const MOST: usize = 4;

/// Why a state could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub(super) struct BackupError {
    path: PathBuf,
    source: io::Error,
}

/// What stands at the top of the file.
#[derive(Serialize)]
struct Head {
    epoch: EpochParts,
    revision: u64,
    entries: usize,
}

/// Keeps the state, one JSON object a line: where it stood, then its entries as `heartbeatctl info list --json` shows them.
pub(super) fn keep(folder: &Path, state: &State) -> Result<PathBuf, BackupError> {
    let folder = folder.join(FOLDER);
    let epoch = state.stamp.reign.epoch;
    let name = format!(
        "{:015}.{:05}-{:015}.json",
        epoch.round(),
        epoch.slot(),
        state.stamp.revision
    );
    let path = folder.join(name);
    let failed = |source| BackupError {
        path: path.clone(),
        source,
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    write(&path, state).map_err(failed)?;
    make_room(&folder).map_err(failed)?;
    Ok(path)
}

fn write(path: &Path, state: &State) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    let mut out = BufWriter::new(file);
    let head = Head {
        epoch: state.stamp.reign.epoch.into(),
        revision: state.stamp.revision,
        entries: state.entries().len(),
    };
    line(&mut out, &head)?;
    for (key, entry) in state.entries() {
        line(&mut out, &shown(key, entry))?;
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

fn line(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// An entry as people are shown it.
pub(super) fn shown(key: &Key, entry: &Entry) -> InfoEntry {
    InfoEntry {
        key: key.as_str().to_owned(),
        value: Value(Bytes::clone(&entry.value)),
        revision: entry.changed.revision,
        created: entry.created.revision,
        version: entry.version,
        epoch: entry.changed.reign.epoch.into(),
    }
}

/// Their names sort by the time at which they were written.
fn make_room(folder: &Path) -> io::Result<()> {
    let mut kept: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    kept.sort();
    let surplus = kept.len().saturating_sub(MOST);
    kept.iter().take(surplus).try_for_each(fs::remove_file)
}
