//! Files that only their owner may use.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why such a file is refused. What it holds is never shown.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not there, or not to be opened.
    #[error("cannot read {what} {path}: {source}")]
    Read {
        /// What it is: `key file`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("{what} {path} is no regular file")]
    NoFile {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Group or others may read or write it.
    #[error("{what} {path} has mode {mode:04o}: others than its owner may use it")]
    Mode {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else's.
    #[error("{what} {path} belongs to user {owner}, who could replace it")]
    Owner {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// User id of its owner.
        owner: u32,
    },
    /// Far too long for what it is.
    #[error("{what} {path} is longer than {most} bytes")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Most bytes of one.
        most: u64,
    },
}

impl SecretError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::NoFile { path, .. }
            | Self::Mode { path, .. }
            | Self::Owner { path, .. }
            | Self::TooLong { path, .. } => path,
        }
    }

    /// What the operator can do about it; `make` says how one is made.
    #[must_use]
    pub fn cure(&self, make: &str) -> String {
        match self {
            Self::Read { source, .. } if source.kind() != io::ErrorKind::NotFound => {
                "run as root, who owns the file".to_owned()
            }
            Self::Mode { path, .. } => format!(
                "chmod 0600 {}; if others may have read it, it is no secret any more: {make}",
                path.display()
            ),
            Self::Owner { path, .. } => format!("chown root {}", path.display()),
            Self::Read { .. } | Self::NoFile { .. } | Self::TooLong { .. } => make.to_owned(),
        }
    }
}

/// Reads a file that belongs to the caller or root, and that nobody else may use; `what` names it in errors.
///
/// # Errors
/// [`SecretError`].
pub fn read(what: &'static str, path: &Path, most: u64) -> Result<Vec<u8>, SecretError> {
    let failed = |source| SecretError::Read {
        what,
        path: path.to_owned(),
        source,
    };
    // Without O_NONBLOCK the open of a pipe would wait for a writer.
    let mut file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    check_owner(what, path, &file.metadata().map_err(failed)?)?;
    let mut text = Vec::new();
    file.by_ref()
        .take(most + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > most {
        let path = path.to_owned();
        return Err(SecretError::TooLong { what, path, most });
    }
    Ok(text)
}

fn check_owner(what: &'static str, path: &Path, facts: &Metadata) -> Result<(), SecretError> {
    let path = path.to_owned();
    if !facts.is_file() {
        return Err(SecretError::NoFile { what, path });
    }
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Mode { what, path, mode });
    }
    let owner = facts.uid();
    if owner != 0 && owner != nix::unistd::geteuid().as_raw() {
        return Err(SecretError::Owner { what, path, owner });
    }
    Ok(())
}
