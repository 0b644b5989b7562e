//! The copy of the tree in which mutants live, with its own target folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::list::Mutant;
use crate::copied;
use crate::workspace;

pub(super) struct Tree {
    path: PathBuf,
}

impl Tree {
    /// Brings the copy of that name to the state of this tree, so that cargo builds only what differs.
    ///
    /// # Errors
    /// A file cannot be copied, or git does not say which there are.
    pub(super) fn copied(name: &str) -> Result<Self> {
        let path = workspace::root().join("target/mutants").join(name);
        copied::bring(&path)?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the mutant's line out, for as long as what this returns lives.
    ///
    /// # Errors
    /// The line does not stand exactly once in its file, or that cannot be written.
    pub(super) fn change(&self, mutant: &Mutant) -> Result<Changed> {
        let path = self.path.join(&mutant.file);
        let sound = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
        ensure!(
            sound.matches(&mutant.find).count() == 1,
            "{}: its line stands not exactly once in {path:?}",
            mutant.name
        );
        let changed = sound.replace(&mutant.find, &mutant.replace);
        fs::write(&path, changed).with_context(|| format!("cannot write {path:?}"))?;
        Ok(Changed { path, sound })
    }
}

/// A file that has a mutant in it until this goes away.
pub(super) struct Changed {
    path: PathBuf,
    sound: String,
}

impl Drop for Changed {
    fn drop(&mut self) {
        // What stays changed is found by the next copy of the tree.
        if let Err(error) = fs::write(&self.path, &self.sound) {
            eprintln!("cannot put {:?} right again: {error}", self.path);
        }
    }
}
