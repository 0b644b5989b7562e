//! Copies of the sources, in which something is changed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// Brings the copy in `folder` to the state of this tree, so that cargo builds only what differs.
///
/// # Errors
/// A file cannot be copied, or git does not say which there are.
pub(crate) fn bring(folder: &Path) -> Result<()> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(workspace::root())
        .output()
        .context("cannot start git")?;
    ensure!(listed.status.success(), "git ls-files failed");
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (workspace::root().join(name), folder.join(name));
        let Ok(content) = fs::read(&from) else {
            continue;
        };
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // With what may be run: a package takes that over.
        fs::copy(&from, &to).with_context(|| format!("cannot write {to:?}"))?;
    }
    Ok(())
}
