//! Files that an operator asks for: one that exists is never touched.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Why there is no new file.
#[derive(Debug, thiserror::Error)]
pub(super) enum NewFileError {
    #[error("{path} exists and is not touched: move it away, or name another file with --output")]
    Exists { path: PathBuf },
    #[error("cannot write {path}: {source}; --output names another file")]
    Write { path: PathBuf, source: io::Error },
}

impl NewFileError {
    pub(super) fn is_permission(&self) -> bool {
        match self {
            Self::Write { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Exists { .. } => false,
        }
    }
}

pub(super) fn create(path: &Path, mode: u32) -> Result<File, NewFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.open(path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => NewFileError::Exists {
            path: path.to_owned(),
        },
        _ => NewFileError::Write {
            path: path.to_owned(),
            source,
        },
    })
}

/// Half a file is of no use, and would stand in the way of the next try.
pub(super) fn give_up(path: &Path, source: io::Error) -> NewFileError {
    let _ = fs::remove_file(path);
    NewFileError::Write {
        path: path.to_owned(),
        source,
    }
}
