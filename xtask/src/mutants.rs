//! `cargo xtask mutants`: takes out one safety line after the other, and sees that a check notices.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::workspace;

/// Options of `cargo xtask mutants`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only mutants whose name has this in it
    only: Option<String>,
}

/// A safety line, and what it becomes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    file: PathBuf,
    find: String,
    replace: String,
    breaks: String,
    checks: Vec<Check>,
}

/// What could notice, the cheapest first.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Check {
    Wire,
    Core,
    Search,
    Packet,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

impl Check {
    /// The cargo commands that it consists of; the last one is to fail.
    const fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Wire => &["test --offline -q -p heartbeat-wire"],
            Self::Core => &["test --offline -q -p heartbeat-core"],
            Self::Search => &["test --offline -q -p heartbeat-search"],
            Self::Packet => &[
                "xtask build-ebpf",
                "test --offline -q -p heartbeat-tests --test packet -- --test-threads=1",
            ],
        }
    }

    /// The commands that must succeed before the last one is run, mutant or not.
    fn prepares(self) -> &'static [&'static str] {
        &self.commands()[..self.commands().len() - 1]
    }

    fn asks(self) -> &'static str {
        self.commands()[self.commands().len() - 1]
    }
}

/// Runs the mutants in a copy of the tree.
///
/// # Errors
/// A mutant was noticed by none of its checks, or one of the checks fails without any mutant.
pub(crate) fn run(options: &Options) -> Result<()> {
    let list = read()?;
    let wanted = |mutant: &&Mutant| {
        options
            .only
            .as_ref()
            .is_none_or(|only| mutant.name.contains(only.as_str()))
    };
    let chosen: Vec<&Mutant> = list.iter().filter(wanted).collect();
    ensure!(!chosen.is_empty(), "no mutant has that in its name");
    let tree = copy()?;
    let (mut sound, mut survivors) = (Vec::new(), Vec::new());
    for mutant in chosen {
        for check in &mutant.checks {
            if !sound.contains(check) {
                ensure!(
                    !fails(*check, &tree)?,
                    "{check:?} fails without any mutant: mend that first"
                );
                sound.push(*check);
            }
        }
        let start = Instant::now();
        let noticed = try_out(mutant, &tree)?;
        let took = start.elapsed().as_secs();
        match noticed {
            Some(check) => println!("{}: noticed by {check:?}, {took} s", mutant.name),
            None => {
                println!("{}: SURVIVES, {took} s: {}", mutant.name, mutant.breaks);
                survivors.push(mutant.name.as_str());
            }
        }
    }
    ensure!(survivors.is_empty(), "nothing notices {survivors:?}");
    Ok(())
}

fn read() -> Result<Vec<Mutant>> {
    let path = workspace::root().join("tests/mutants.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let list: List = toml::from_str(&text).with_context(|| format!("{path:?}"))?;
    Ok(list.mutant)
}

/// Brings the scratch tree to the state of this one, so that cargo builds only what differs.
fn copy() -> Result<PathBuf> {
    let tree = workspace::root().join("target/mutants/tree");
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(workspace::root())
        .output()
        .context("cannot start git")?;
    ensure!(listed.status.success(), "git ls-files failed");
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (workspace::root().join(name), tree.join(name));
        let Ok(content) = fs::read(&from) else {
            continue;
        };
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&to, content).with_context(|| format!("cannot write {to:?}"))?;
    }
    Ok(tree)
}

/// The first check that notices the mutant.
fn try_out(mutant: &Mutant, tree: &Path) -> Result<Option<Check>> {
    let path = tree.join(&mutant.file);
    let sound = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let name = &mutant.name;
    ensure!(
        sound.matches(&mutant.find).count() == 1,
        "{name}: its line stands not exactly once in {path:?}"
    );
    fs::write(&path, sound.replace(&mutant.find, &mutant.replace))?;
    let mut noticed = Ok(None);
    for check in &mutant.checks {
        match fails(*check, tree) {
            Ok(false) => {}
            Ok(true) => {
                noticed = Ok(Some(*check));
                break;
            }
            Err(error) => {
                noticed = Err(error.context(format!("{name} cannot be tried")));
                break;
            }
        }
    }
    fs::write(&path, sound)?;
    noticed
}

/// Whether a check fails, by a test and not because it does not build.
fn fails(check: Check, tree: &Path) -> Result<bool> {
    for prepares in check.prepares() {
        ensure!(cargo(prepares, tree)?, "cargo {prepares} failed");
    }
    let asks = check.asks();
    let (command, tests) = asks.split_once(" -- ").unwrap_or((asks, ""));
    let builds = format!("{command} --no-run");
    ensure!(cargo(&builds, tree)?, "cargo {builds} failed");
    let whole = if tests.is_empty() {
        command.to_owned()
    } else {
        format!("{command} -- {tests}")
    };
    Ok(!cargo(&whole, tree)?)
}

fn cargo(arguments: &str, tree: &Path) -> Result<bool> {
    let status = workspace::cargo()
        .args(arguments.split_ascii_whitespace())
        .current_dir(tree)
        .env_remove("CARGO_TARGET_DIR")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    Ok(status.success())
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
