//! `cargo xtask test`: everything there is to test, and what could not be tested and why.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::build_ebpf;
use crate::lab;
use crate::workspace;

/// Set where the machine has all that any test needs: a skip is then a failure (tests/src/skip.rs).
const REQUIRE_VARIABLE: &str = "HEARTBEAT_REQUIRE_ALL";
/// Set for the tests that take minutes (tests/src/skip.rs).
const LONG_VARIABLE: &str = "HEARTBEAT_LONG";
/// Start of the line by which a test says that it was skipped.
const SKIPPED: &str = "skipped: ";
/// Start of the line by which a test says that it takes long and was not asked for.
const LEFT: &str = "left for --long: ";

/// Options of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Also what takes many minutes
    #[arg(long)]
    long: bool,
}

/// Start of the line by which a scenario says that it was played again.
const REPEATED: &str = "repeated, the machine withheld its processors: ";

/// What came of all steps so far.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: Vec<String>,
    left: Vec<String>,
    repeated: Vec<String>,
    failed_steps: Vec<&'static str>,
}

/// Runs every step, also after one failed, and sums up.
///
/// # Errors
/// Something failed, or was skipped where nothing need be.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut tally = Tally::default();
    let complete = prepare(&mut tally);
    for (name, arguments) in steps() {
        println!("\n== {name}");
        let mut command = workspace::cargo();
        command
            .args(arguments.split_ascii_whitespace())
            .current_dir(workspace::root());
        if complete {
            command.env(REQUIRE_VARIABLE, "1");
        }
        if options.long {
            command.env(LONG_VARIABLE, "1");
        }
        step(name, &mut command, &mut tally)?;
    }
    sum_up(&tally, complete)
}

/// Fetches and builds what the tests need beyond cargo. Whether the machine then has everything.
fn prepare(tally: &mut Tally) -> bool {
    println!("== tools and kernel programs");
    let built = build_ebpf::run(&build_ebpf::Options::default()).and_then(|()| lab::need_tools());
    if let Err(error) = &built {
        println!("{error:#}");
        if lab::has_rights() {
            tally.fail("tools and kernel programs");
        }
    }
    if !lab::has_rights() {
        println!("not root: what needs namespaces or kernel programs will be skipped");
    }
    built.is_ok() && lab::has_rights()
}

/// Real daemons and faults run one at a time: each scenario wants the machine for itself.
fn steps() -> [(&'static str, &'static str); 5] {
    [
        ("format", "fmt --all --check"),
        (
            "lints",
            "clippy --workspace --all-targets --locked -- -D warnings",
        ),
        ("programs", "build --workspace --locked"),
        (
            "unit and property tests",
            "test --workspace --locked --no-fail-fast --lib --bins",
        ),
        (
            "packets, networks, command line, documents, lab and scenarios",
            "test --workspace --locked --no-fail-fast --test * -- --test-threads=1",
        ),
    ]
}

fn step(name: &'static str, command: &mut Command, tally: &mut Tally) -> Result<()> {
    let before = tally.failed;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let (sender, lines) = channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let to_stdout = sender.clone();
        scope.spawn(move || stdout.map(|pipe| forward(pipe, &to_stdout)));
        scope.spawn(move || stderr.map(|pipe| forward(pipe, &sender)));
        for line in lines {
            println!("{line}");
            tally.note(&line);
        }
    });
    let succeeded = child.wait()?.success();
    if tally.failed > before || !succeeded {
        tally.failed_steps.push(name);
    }
    if tally.failed == before && !succeeded {
        // No test said so: it is the step itself that failed.
        tally.failed += 1;
    }
    Ok(())
}

fn forward(pipe: impl Read, lines: &Sender<String>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if lines.send(line).is_err() {
            return;
        }
    }
}

impl Tally {
    fn fail(&mut self, step: &'static str) {
        self.failed += 1;
        self.failed_steps.push(step);
    }

    /// Heeds the test harness's result lines and the tests' own word that they were skipped.
    fn note(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix(SKIPPED) {
            // The harness counts a skipped test as passed.
            self.passed = self.passed.saturating_sub(1);
            self.skipped.push(reason.to_owned());
        }
        if let Some(test) = line.strip_prefix(LEFT) {
            self.passed = self.passed.saturating_sub(1);
            self.left.push(test.to_owned());
        }
        if let Some(test) = line.strip_prefix(REPEATED) {
            self.repeated.push(test.to_owned());
        }
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count
                .split_once(' ')
                .and_then(|(number, what)| Some((number.parse::<usize>().ok()?, what)))
            {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some(_) | None => {}
            }
        }
    }
}

fn sum_up(tally: &Tally, complete: bool) -> Result<()> {
    println!();
    for reason in &tally.skipped {
        println!("skipped: {reason}");
    }
    for test in &tally.left {
        println!("{LEFT}{test}");
    }
    for test in &tally.repeated {
        println!("{REPEATED}{test}");
    }
    for step in &tally.failed_steps {
        println!("failed: {step}");
    }
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed,
        tally.failed,
        tally.skipped.len()
    );
    if tally.failed > 0 {
        bail!("not everything passed");
    }
    if complete && !tally.skipped.is_empty() {
        bail!("this machine has everything that tests need, and still some were skipped");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_harnesses_add_up_and_a_skipped_test_is_not_passed() {
        let mut tally = Tally {
            passed: 5,
            ..Tally::default()
        };
        for line in [
            "skipped: a_thing: not root; run as root",
            "left for --long: a_soak",
            "test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
            "test a_test_result: ok",
        ] {
            tally.note(line);
        }
        assert_eq!((tally.passed, tally.failed), (16, 2));
        assert_eq!(tally.skipped, ["a_thing: not root; run as root"]);
        assert_eq!(tally.left, ["a_soak"]);
    }

    #[test]
    fn a_test_that_is_left_for_long_is_no_failure() {
        let tally = Tally {
            passed: 1,
            left: vec!["x".to_owned()],
            ..Tally::default()
        };
        assert!(sum_up(&tally, true).is_ok());
    }

    #[test]
    fn a_skip_is_a_failure_only_where_everything_is_there() {
        let tally = Tally {
            passed: 1,
            skipped: vec!["x: y".to_owned()],
            ..Tally::default()
        };
        assert!(sum_up(&tally, false).is_ok());
        assert!(sum_up(&tally, true).is_err());
        assert!(
            sum_up(
                &Tally {
                    failed: 1,
                    ..Tally::default()
                },
                false
            )
            .is_err()
        );
    }
}
