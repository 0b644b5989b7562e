//! A new cluster key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::keys::KEY_LEN;

/// Why no key was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeygenError {
    #[error(
        "{path} exists and is not touched: to change a cluster's key without a stop, write a new one with --out \
         elsewhere, put its line below the old one in {path} on every node and `heartbeatctl reload` there; then put \
         it above the old one in the same way; then remove the old one in the same way. To begin anew, move {path} \
         away first"
    )]
    Exists { path: PathBuf },
    #[error("cannot write key file {path}: {source}; --out names another file")]
    Write { path: PathBuf, source: io::Error },
    #[error("the kernel gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl KeygenError {
    pub(super) fn is_permission(&self) -> bool {
        match self {
            Self::Write { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Exists { .. } | Self::Random(_) => false,
        }
    }
}

/// Writes a new key to a new file of mode 0600, its folder if missing.
pub(super) fn create(path: &Path) -> Result<(), KeygenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeygenError::Exists {
            path: path.to_owned(),
        },
        _ => KeygenError::Write {
            path: path.to_owned(),
            source,
        },
    };
    let line = random_line()?;
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder)
            .map_err(failed)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    write(file, &line).map_err(|source| {
        // Half a key is of no use, and would stand in the way of the next try.
        let _ = fs::remove_file(path);
        failed(source)
    })
}

fn write(mut file: File, line: &str) -> io::Result<()> {
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

fn random_line() -> Result<String, KeygenError> {
    let mut key = [0; KEY_LEN];
    getrandom::fill(&mut key).map_err(KeygenError::Random)?;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(digits + "\n")
}
