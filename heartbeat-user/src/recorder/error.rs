//! Why a record cannot be read.

use std::io;
use std::path::PathBuf;

use super::file::{FORMAT, VERSION};

/// Why a record cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file, or no right to it.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{path} is no record of heartbeatd: name the file that `file` in [recorder] names, or a copy of it"
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// Its format is another one.
    #[error(
        "{path} was written by heartbeatd {version} in format {format}, and this heartbeatctl {VERSION} reads format \
         {FORMAT}: use the heartbeatctl of that version"
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// By which heartbeatd.
        version: String,
        /// In which format.
        format: u16,
    },
    /// What was written is not what stands there.
    #[error(
        "{path} is damaged at byte {at}: what stands before it can be replayed, what follows cannot; take another copy \
         of the file if there is one"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the chunk begins.
        at: u64,
    },
    /// The checksums are right and the entries make no sense.
    #[error(
        "{path} has an entry that heartbeatctl {VERSION} does not know, in what begins at byte {at}: it was recorded by \
         heartbeatd {version}; use the heartbeatctl that came with it"
    )]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// Where the chunk begins.
        at: u64,
        /// By which heartbeatd.
        version: String,
    },
}

impl ReadError {
    /// Whether a right is missing.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}
