//! What came of the listed mutants, for those who read the docs: docs/mutants.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::check::{Check, Notice};
use super::list::Mutant;
use crate::workspace;

const HEAD: &str = "\
# Each safety line, taken out once

Written by `cargo xtask mutants`: [the lines and what they become](../tests/mutants.toml), what no longer holds without
each ([why it holds](safety.md)), and the first check that noticed. The time is the processor time of building that check
with the mutant in it and running it until it failed, and of the checks before it that did not notice.

| mutant | what it breaks | noticed by | seconds |
|---|---|---|---|
";

/// A row for each mutant of the list, in its order, as far as they were tried.
pub(super) struct Table {
    order: Vec<String>,
    rows: BTreeMap<String, String>,
}

impl Table {
    /// Takes over what earlier runs wrote about mutants that are still in the list.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn read(list: &[Mutant]) -> Result<Self> {
        let path = path();
        let text = if path.exists() {
            fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?
        } else {
            String::new()
        };
        let rows = list.iter().filter_map(|mutant| {
            let begins = begin(mutant);
            let row = text.lines().find(|line| line.starts_with(&begins))?;
            Some((mutant.name.clone(), row.to_owned()))
        });
        Ok(Self {
            order: list.iter().map(|mutant| mutant.name.clone()).collect(),
            rows: rows.collect(),
        })
    }

    pub(super) fn note(&mut self, mutant: &Mutant, check: &Check, notice: &Notice, seconds: i64) {
        let row = format!("{}{check}: {notice} | {seconds} |", begin(mutant));
        self.rows.insert(mutant.name.clone(), row);
    }

    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self) -> Result<()> {
        let mut text = HEAD.to_owned();
        for row in self.order.iter().filter_map(|name| self.rows.get(name)) {
            writeln!(text, "{row}")?;
        }
        let path = path();
        fs::write(&path, text).with_context(|| format!("cannot write {path:?}"))
    }
}

fn path() -> PathBuf {
    workspace::root().join("docs/mutants.md")
}

/// A row's beginning, which says that it is about this mutant.
fn begin(mutant: &Mutant) -> String {
    format!("| {} | {} | ", mutant.name, mutant.breaks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::list;

    #[test]
    fn the_docs_have_a_row_for_each_mutant_and_no_other() {
        let list = list::read().unwrap();
        let table = Table::read(&list).unwrap();
        let missing: Vec<_> = table
            .order
            .iter()
            .filter(|name| !table.rows.contains_key(*name))
            .collect();
        assert!(missing.is_empty(), "run `cargo xtask mutants`: {missing:?}");
        let rows = fs::read_to_string(path()).unwrap();
        assert_eq!(rows.matches("\n| ").count(), list.len() + 1);
    }
}
