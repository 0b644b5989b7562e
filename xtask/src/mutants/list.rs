//! The listed mutants: tests/mutants.toml.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::check::Check;
use crate::workspace;

/// A safety line, and what it becomes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mutant {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) find: String,
    pub(super) replace: String,
    /// What must always hold and no longer does, and how.
    pub(super) breaks: String,
    /// What could notice, the cheapest first.
    pub(super) checks: Vec<Check>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

/// # Errors
/// The list cannot be read, or is none.
pub(super) fn read() -> Result<Vec<Mutant>> {
    let path = workspace::root().join("tests/mutants.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let list: List = toml::from_str(&text).with_context(|| format!("{path:?}"))?;
    Ok(list.mutant)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_mutants_line_stands_exactly_once_in_its_file_and_is_changed() {
        let list = read().unwrap();
        assert!(list.len() >= 40, "{}", list.len());
        for mutant in &list {
            let text = fs::read_to_string(workspace::root().join(&mutant.file)).unwrap();
            assert_eq!(text.matches(&mutant.find).count(), 1, "{}", mutant.name);
            assert_ne!(mutant.find, mutant.replace, "{}", mutant.name);
            assert!(!mutant.checks.is_empty(), "{}", mutant.name);
        }
        let names: BTreeSet<_> = list.iter().map(|mutant| &mutant.name).collect();
        assert_eq!(names.len(), list.len(), "each name once");
    }
}
