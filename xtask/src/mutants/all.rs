//! Every change that cargo-mutants can make to heartbeat-core, beside the listed ones that were thought of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::check;
use super::tree::Tree;
use crate::{tool, workspace};

/// cargo-mutants, and the version that the survivors were explained by.
const TOOL: &str = "mutants";
const TOOL_VERSION: &str = "27.1.0";
/// Processor seconds of one program: compilers and sound tests need a tenth of it.
const MOST_SECONDS: u64 = 100;
/// By the clock, which goes on while the machine does other things: a last resort.
const MOST_SECONDS_BY_THE_CLOCK: &str = "3600";
/// Cases of each property test.
const CASES: &str = "8";
/// Tests of heartbeat-core, the cheapest first: each round tries what the one before it did not notice.
const ROUNDS: [Round; 2] = [
    Round {
        tests: &["--lib", "--test", "table"],
        optimised: 0,
    },
    Round {
        tests: &["--test", "cluster"],
        optimised: 1,
    },
];
/// Exit codes with which cargo-mutants says that it tried them all, and what came of it.
const TRIED: [i32; 3] = [0, 2, 3];

struct Round {
    tests: &'static [&'static str],
    /// How far the tests are optimised.
    optimised: u8,
}

/// A change that no test notices, and need not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    /// As cargo-mutants names it, without line and column.
    mutant: String,
    /// Why what differs is nothing that anybody relies on.
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivors {
    survivor: Vec<Survivor>,
}

/// Tries every change to heartbeat-core, or to those of its files whose names are given. What an earlier run noticed
/// is not tried again.
///
/// # Errors
/// A change was not noticed and is not explained in tests/survivors.toml, or the tool does not run.
pub(super) fn run(files: &[String]) -> Result<()> {
    let explained = explained()?;
    tool::need(TOOL, TOOL_VERSION, "see the compiler's message above")?;
    check::limit_processor_time(MOST_SECONDS)?;
    let tree = Tree::copied("all")?;
    for round in ROUNDS {
        let status = command(tree.path(), files, &round).status()?;
        ensure!(
            status.code().is_some_and(|code| TRIED.contains(&code)),
            "cargo-{TOOL} did not try them all ({status})"
        );
    }
    let results = tree.path().join("mutants.out");
    let missed = names(&results.join("missed.txt"))?;
    let tried = [
        "caught.txt",
        "previously_caught.txt",
        "timeout.txt",
        "unviable.txt",
    ];
    for list in tried {
        println!("{list}: {}", names(&results.join(list))?.len());
    }
    let (known, holes): (Vec<_>, Vec<_>) = missed
        .iter()
        .partition(|name| explained.contains(&without_place(name)));
    println!(
        "not noticed: {}, of them explained: {}",
        missed.len(),
        known.len()
    );
    if !holes.is_empty() {
        for name in &holes {
            println!("{name}");
        }
        bail!("write a test for each of these, or explain it in tests/survivors.toml");
    }
    Ok(())
}

/// One round. It works on the copy itself, so that cargo builds only what differs from mutant to mutant.
fn command(tree: &Path, files: &[String], round: &Round) -> Command {
    let mut command = workspace::cargo();
    command
        .args([
            TOOL,
            "--in-place",
            "--iterate",
            "--package",
            "heartbeat-core",
        ])
        .args(["--timeout", MOST_SECONDS_BY_THE_CLOCK])
        .args(["--build-timeout", MOST_SECONDS_BY_THE_CLOCK]);
    // Before the two dashes they say what is built, too: each test program costs as much as the core itself.
    let tests = round.tests.iter().map(ToString::to_string);
    for option in check::profile(round.optimised).into_iter().chain(tests) {
        command.arg(format!("--cargo-arg={option}"));
    }
    for file in files {
        command
            .arg("--file")
            .arg(format!("heartbeat-core/src/{file}.rs"));
    }
    command
        .env("PROPTEST_CASES", CASES)
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(tree);
    command
}

fn explained() -> Result<BTreeSet<String>> {
    let path = workspace::root().join("tests/survivors.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let list: Survivors = toml::from_str(&text).with_context(|| format!("{path:?}"))?;
    let mut explained = BTreeSet::new();
    for Survivor { mutant, reason } in list.survivor {
        ensure!(reason.len() > 20, "{path:?}: {mutant} has no reason");
        explained.insert(mutant);
    }
    Ok(explained)
}

/// One mutant a line; no such file, no such mutants.
fn names(path: &Path) -> Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path:?}"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// `src/a.rs:1:2: replace f with g` without its line and column, which other changes move.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.nth(2)) {
        (Some(file), Some(what)) => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survivor_is_known_wherever_its_line_moves() {
        let name = "heartbeat-core/src/lease.rs:12:5: replace reach -> Duration with a::b";
        let known = "heartbeat-core/src/lease.rs: replace reach -> Duration with a::b";
        assert_eq!(without_place(name), known);
    }

    #[test]
    fn every_survivor_has_its_reason() {
        explained().unwrap();
    }
}
