//! What came of steps of tests: each is run to its end, and what the tests in it say is counted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Context as _, Result, bail};

/// Start of the line by which a test says that it was skipped.
const SKIPPED: &str = "skipped: ";
/// Start of the line by which a test says that it takes long and was not asked for.
const LEFT: &str = "left for --long: ";

/// Start of the line by which a test says that it starts other kernels and was not asked for.
const NOT_HERE: &str = "left for --kernels: ";
/// Start of the line by which a test says that it installs packages and was not asked for.
const NO_PACKAGES: &str = "left for --packages: ";
/// Start of the line by which a scenario says that it was played again.
const REPEATED: &str = "repeated, the machine withheld its processors: ";

/// What came of all steps so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    skipped: Vec<String>,
    left: Vec<String>,
    repeated: Vec<String>,
    failed_steps: Vec<String>,
}

impl Tally {
    /// Runs a step to its end, shows what it says, and counts.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn step(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let before = self.failed;
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
                self.note(&line);
            }
        });
        let succeeded = child.wait()?.success();
        if self.failed > before || !succeeded {
            self.failed_steps.push(name.to_owned());
        }
        if self.failed == before && !succeeded {
            // No test said so: it is the step itself that failed.
            self.failed += 1;
        }
        Ok(())
    }

    pub(crate) fn fail(&mut self, step: &str) {
        self.failed += 1;
        self.failed_steps.push(step.to_owned());
    }

    /// Heeds the test harness's result lines and the tests' own word that they were skipped.
    fn note(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix(SKIPPED) {
            // The harness counts a skipped test as passed.
            self.passed = self.passed.saturating_sub(1);
            self.skipped.push(reason.to_owned());
        }
        if [LEFT, NOT_HERE, NO_PACKAGES]
            .iter()
            .any(|begin| line.starts_with(begin))
        {
            self.passed = self.passed.saturating_sub(1);
            self.left.push(line.to_owned());
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

    /// Prints what came of all steps. Where this machine has all that tests need, a skip is a failure.
    ///
    /// # Errors
    /// Something failed, or was skipped where nothing need be.
    pub(crate) fn sum_up(&self, complete: bool) -> Result<()> {
        println!();
        for reason in &self.skipped {
            println!("skipped: {reason}");
        }
        for line in &self.left {
            println!("{line}");
        }
        for test in &self.repeated {
            println!("{REPEATED}{test}");
        }
        for step in &self.failed_steps {
            println!("failed: {step}");
        }
        println!(
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failed,
            self.skipped.len()
        );
        if self.failed > 0 {
            bail!("not everything passed");
        }
        if complete && !self.skipped.is_empty() {
            bail!("this machine has everything that tests need, and still some were skipped");
        }
        Ok(())
    }
}

fn forward(pipe: impl Read, lines: &Sender<String>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if lines.send(line).is_err() {
            return;
        }
    }
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
        assert_eq!(tally.left, ["left for --long: a_soak"]);
    }

    #[test]
    fn a_test_that_is_left_for_long_is_no_failure() {
        let tally = Tally {
            passed: 1,
            left: vec!["x".to_owned()],
            ..Tally::default()
        };
        assert!(tally.sum_up(true).is_ok());
    }

    #[test]
    fn a_skip_is_a_failure_only_where_everything_is_there() {
        let tally = Tally {
            passed: 1,
            skipped: vec!["x: y".to_owned()],
            ..Tally::default()
        };
        assert!(tally.sum_up(false).is_ok());
        assert!(tally.sum_up(true).is_err());
        assert!(
            Tally {
                failed: 1,
                ..Tally::default()
            }
            .sum_up(false)
            .is_err()
        );
    }
}
