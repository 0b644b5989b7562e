//! Servers that packages bring along are not started by their installation: the lab starts its own.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What Debian's packages ask before they start a server (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Forbids every start.
const FORBIDDEN: &str = "#!/bin/sh\nexit 101\n";

/// While it lives no package starts a server.
pub(crate) struct NoStarts(Option<PathBuf>);

impl NoStarts {
    /// Forbids it. Where the machine has a policy of its own, that one holds.
    ///
    /// # Errors
    /// When the policy cannot be written.
    pub(crate) fn begin() -> Result<Self> {
        Self::at(Path::new(POLICY))
    }

    fn at(policy: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        let opened = options
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(policy);
        let cannot = || format!("cannot write {}", policy.display());
        match opened {
            Ok(mut file) => {
                let own = Self(Some(policy.to_owned()));
                file.write_all(FORBIDDEN.as_bytes()).with_context(cannot)?;
                Ok(own)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self(None)),
            Err(error) => Err(error).with_context(cannot),
        }
    }
}

impl Drop for NoStarts {
    fn drop(&mut self) {
        let Some(policy) = &self.0 else { return };
        if let Err(error) = fs::remove_file(policy) {
            eprintln!(
                "lab: remove {} by hand, it forbids every start: {error}",
                policy.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn starts_are_forbidden_while_it_lives_and_a_policy_that_was_there_is_left_alone() {
        let folder = std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id()));
        fs::create_dir(&folder).expect("a new folder");
        let policy = folder.join("policy-rc.d");
        let own = NoStarts::at(&policy).expect("writable");
        let code = Command::new(&policy).status().expect("it runs").code();
        assert_eq!(code, Some(101));
        drop(own);
        assert!(!policy.exists());
        fs::write(&policy, "theirs").expect("writable");
        drop(NoStarts::at(&policy).expect("it is there"));
        assert_eq!(fs::read_to_string(&policy).expect("left"), "theirs");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
