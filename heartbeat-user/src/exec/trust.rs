//! Whether nobody but root, or who the daemon runs as, could put another program in a program's place.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Group or others may write.
const OTHERS_WRITE: u32 = 0o022;
/// Anybody may run it.
const RUN: u32 = 0o111;

/// Why a program is not run.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not there, or not to be looked at.
    #[error("cannot look at {path}: {source}")]
    Absent {
        /// What.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A folder, a device; or nobody may run it.
    #[error("{path} is no program that can be run")]
    NoProgram {
        /// What.
        path: PathBuf,
    },
    /// Somebody else could change or replace it.
    #[error(
        "{path} belongs to user {owner} and has mode {mode:04o}: others could put their own program there"
    )]
    Others {
        /// The file, or its folder.
        path: PathBuf,
        /// User id of its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
}

impl TrustError {
    /// What the operator can do about it.
    #[must_use]
    pub fn cure(&self) -> String {
        match self {
            Self::Absent { .. } => "put the program there, on every node".to_owned(),
            Self::NoProgram { path } => format!("name a file, and chmod 0755 {}", path.display()),
            Self::Others { path, .. } => {
                format!("chown root {0} and chmod go-w {0}", path.display())
            }
        }
    }
}

/// Looks at the file that is meant in the end, and at its folder.
///
/// # Errors
/// [`TrustError`].
pub fn check_trust(path: &Path) -> Result<(), TrustError> {
    let absent = |source| TrustError::Absent {
        path: path.to_owned(),
        source,
    };
    let path = fs::canonicalize(path).map_err(absent)?;
    let facts = fs::metadata(&path).map_err(absent)?;
    if !facts.is_file() || facts.mode() & RUN == 0 {
        return Err(TrustError::NoProgram { path });
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    is_ours(folder, &fs::metadata(folder).map_err(absent)?)?;
    is_ours(&path, &facts)
}

fn is_ours(path: &Path, facts: &fs::Metadata) -> Result<(), TrustError> {
    let (owner, mode) = (facts.uid(), facts.mode() & 0o7777);
    let own = nix::unistd::geteuid().as_raw();
    if (owner == 0 || owner == own) && mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(TrustError::Others {
        path: path.to_owned(),
        owner,
        mode,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("own file");
    }

    #[test]
    fn a_program_is_run_only_if_nobody_else_could_replace_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inside = folder.path().join("bin");
        fs::create_dir(&inside).expect("writable");
        let file = inside.join("hook");
        assert!(matches!(check_trust(&file), Err(TrustError::Absent { .. })));
        fs::write(&file, "#!/bin/sh\n").expect("writable");
        set(&file, 0o644);
        assert!(matches!(
            check_trust(&file),
            Err(TrustError::NoProgram { .. })
        ));
        set(&file, 0o755);
        check_trust(&file).expect("ours");
        let link = folder.path().join("link");
        symlink(&file, &link).expect("writable");
        check_trust(&link).expect("it leads there");
        set(&file, 0o775);
        assert!(matches!(check_trust(&link), Err(TrustError::Others { .. })));
        set(&file, 0o755);
        set(&inside, 0o777);
        assert!(
            matches!(check_trust(&file), Err(TrustError::Others { path, .. }) if path == inside)
        );
        set(&inside, 0o755);
        assert!(matches!(
            check_trust(&inside),
            Err(TrustError::NoProgram { .. })
        ));
    }
}
