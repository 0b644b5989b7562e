//! One daemon per folder: an advisory lock on the folder itself.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{major, minor};

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum FolderLockError {
    /// The folder cannot be opened.
    #[error("cannot open folder {path} to lock it: {source}; it must exist and be readable")]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// Another live process holds it.
    #[error(
        "another daemon{} holds folder {path}: two daemons on one pin folder would undo each other's promises; stop it \
         first, or give this one a folder of its own with --bpf-dir", holder_text(*.holder)
    )]
    Held {
        /// The folder.
        path: PathBuf,
        /// Process id of the holder, when /proc/locks tells it (not from inside another pid namespace).
        holder: Option<u32>,
    },
    /// The lock itself failed, which no local file system does.
    #[error("cannot lock folder {path}: {errno}; the file system must support flock(2)")]
    Lock {
        /// The folder.
        path: PathBuf,
        /// What flock(2) answered.
        errno: Errno,
    },
}

/// What a message says of the process that holds a lock, if it is known.
pub(crate) fn holder_text(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

/// A held folder; free again when this is dropped or the process dies, however it dies.
#[derive(Debug)]
pub struct FolderLock {
    _file: Flock<File>,
}

impl FolderLock {
    /// Takes the lock at once or says who has it; never waits.
    ///
    /// # Errors
    /// [`FolderLockError`].
    pub fn take(path: &Path) -> Result<Self, FolderLockError> {
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY)
            .open(path)
            .map_err(|source| FolderLockError::Open {
                path: path.to_owned(),
                source,
            })?;
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self { _file: file }),
            Err((folder, Errno::EWOULDBLOCK)) => Err(FolderLockError::Held {
                path: path.to_owned(),
                holder: holder(&folder),
            }),
            Err((_, errno)) => Err(FolderLockError::Lock {
                path: path.to_owned(),
                errno,
            }),
        }
    }
}

/// Who holds a flock on this file, as far as /proc/locks shows it.
pub(crate) fn holder(locked: &File) -> Option<u32> {
    let facts = locked.metadata().ok()?;
    let device = format!(
        "{:02x}:{:02x}:{}",
        major(facts.dev()),
        minor(facts.dev()),
        facts.ino()
    );
    find_holder(&std::fs::read_to_string("/proc/locks").ok()?, &device)
}

/// Finds the process in lines like `1: FLOCK  ADVISORY  WRITE 123 08:01:4711 0 EOF` (proc_locks(5));
/// waiting processes stand in lines with an arrow before the kind and do not match.
fn find_holder(locks: &str, device: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (kind, pid, place) = (words.next()?, words.nth(2)?, words.next()?);
        if kind != "FLOCK" || place != device {
            return None;
        }
        // Zero or negative: a process of another pid namespace.
        pid.parse().ok().filter(|pid| *pid > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_folder_is_refused_with_the_holders_process_id() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = FolderLock::take(folder.path()).expect("nobody holds a new folder");
        let error = FolderLock::take(folder.path()).expect_err("it is held");
        match &error {
            FolderLockError::Held { holder, .. } => assert_eq!(*holder, Some(std::process::id())),
            FolderLockError::Open { .. } | FolderLockError::Lock { .. } => panic!("{error}"),
        }
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id()))
        );
        drop(first);
        FolderLock::take(folder.path()).expect("free again after the drop");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error =
            FolderLock::take(Path::new("/nonexistent/folder")).expect_err("it does not exist");
        assert!(error.to_string().contains("/nonexistent/folder"));
    }

    #[test]
    fn only_a_held_flock_on_the_same_file_names_its_holder() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 08:01:5 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 22 08:01:6 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 33 08:01:5 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 44 08:01:5 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE -1 08:01:7 0 EOF\n";
        assert_eq!(find_holder(locks, "08:01:5"), Some(44));
        assert_eq!(find_holder(locks, "08:01:7"), None);
        assert_eq!(find_holder(locks, "08:01:8"), None);
    }
}
