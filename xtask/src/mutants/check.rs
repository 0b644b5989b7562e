//! What could notice a mutant: tests of the crate it is in, the searches, clusters in the
//! simulator, packets through the kernel program.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use serde::Deserialize;

use crate::workspace;

/// Packages that the tests of wire, core and store consist of.
const PACKAGES: [&str; 6] = [
    "heartbeat-wire",
    "heartbeat-core",
    "heartbeat-kernel-twin",
    "heartbeat-sim",
    "heartbeat-store",
    "heartbeat-store-proof",
];

/// Some tests of one crate: `core`, or `packet twin` for those with "twin" in their name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(super) struct Check {
    tests: Tests,
    filter: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tests {
    Wire,
    Core,
    Cluster,
    Search,
    Sim,
    Store,
    Daemon,
    Packet,
}

/// How a check noticed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// These tests failed, at least one.
    Failed(Vec<String>),
    /// The test program ended without naming a test: it crashed, or found no end ([`limit_processor_time`]).
    Ended,
}

impl Tests {
    const ALL: [Self; 8] = [
        Self::Wire,
        Self::Core,
        Self::Cluster,
        Self::Search,
        Self::Sim,
        Self::Store,
        Self::Daemon,
        Self::Packet,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Core => "core",
            Self::Cluster => "cluster",
            Self::Search => "search",
            Self::Sim => "sim",
            Self::Store => "store",
            Self::Daemon => "daemon",
            Self::Packet => "packet",
        }
    }

    /// What cargo does first, and must be able to, mutant or not.
    const fn prepares(self) -> Option<&'static str> {
        match self {
            Self::Wire
            | Self::Core
            | Self::Cluster
            | Self::Search
            | Self::Sim
            | Self::Store
            | Self::Daemon => None,
            Self::Packet => Some("xtask build-ebpf"),
        }
    }

    /// The cargo command that tests.
    const fn command(self) -> &'static str {
        match self {
            Self::Wire => "test --offline -q -p heartbeat-wire",
            Self::Core => "test --offline -q -p heartbeat-core --lib --test table",
            Self::Cluster => "test --offline -q -p heartbeat-core --test cluster",
            Self::Search => "test --offline -q -p heartbeat-search",
            Self::Sim => "test --offline -q -p heartbeat-sim --test campaigns",
            Self::Store => "test --offline -q -p heartbeat-store -p heartbeat-store-proof",
            Self::Daemon => "test --offline -q -p heartbeat-user --lib",
            Self::Packet => "test --offline -q -p heartbeat-tests --test packet",
        }
    }

    /// How far these tests and what they test are optimised, where the workspace's profile says more than is worth while
    /// for a program that is compiled once more for each mutant, and then runs for seconds.
    const fn optimised(self) -> Option<u8> {
        match self {
            Self::Wire | Self::Core | Self::Daemon => Some(0),
            Self::Cluster | Self::Store => Some(1),
            Self::Search | Self::Sim | Self::Packet => None,
        }
    }

    /// What the test program is told: kernel programs are tried one at a time.
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Wire
            | Self::Core
            | Self::Cluster
            | Self::Search
            | Self::Sim
            | Self::Store
            | Self::Daemon => &[],
            Self::Packet => &["--test-threads=1"],
        }
    }
}

impl Check {
    /// How the sound or changed tree in `tree` fails it, or `None` if it does not.
    ///
    /// # Errors
    /// The tests cannot be built: what does not compile was noticed by the compiler and shows nothing.
    pub(super) fn run(&self, tree: &Path) -> Result<Option<Notice>> {
        let command = self.tests.command();
        let builds = format!("{command} --no-run");
        for builds in self.tests.prepares().into_iter().chain([builds.as_str()]) {
            let built = self
                .cargo(builds, tree)
                .status()
                .context("cannot start cargo")?;
            ensure!(built.success(), "cargo {builds} failed");
        }
        let mut asks = self.cargo(command, tree);
        asks.arg("--")
            .args(self.tests.arguments())
            .args(&self.filter);
        let asked = asks.stdout(Stdio::piped()).output()?;
        Ok((!asked.status.success()).then(|| notice(&String::from_utf8_lossy(&asked.stdout))))
    }

    fn cargo(&self, arguments: &str, tree: &Path) -> Command {
        let mut command = workspace::cargo();
        command
            .args(arguments.split_ascii_whitespace())
            .args(self.tests.optimised().map(profile).unwrap_or_default())
            .current_dir(tree)
            .env_remove("CARGO_TARGET_DIR")
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Cargo's options for that: also in many units, so that few are compiled again.
pub(super) fn profile(optimised: u8) -> Vec<String> {
    let settings = [
        format!("opt-level={optimised}"),
        "codegen-units=256".to_owned(),
    ];
    let of_package = |package: &str| {
        settings
            .clone()
            .map(|setting| format!("--config=profile.dev.package.{package}.{setting}"))
    };
    PACKAGES.into_iter().flat_map(of_package).collect()
}

fn notice(said: &str) -> Notice {
    let failed = failed_tests(said);
    if failed.is_empty() {
        Notice::Ended
    } else {
        Notice::Failed(failed)
    }
}

/// Names in the last list of failures that the test harness prints.
fn failed_tests(text: &str) -> Vec<String> {
    let Some((_, names)) = text.rsplit_once("\nfailures:\n") else {
        return Vec::new();
    };
    names
        .lines()
        .map_while(|line| line.strip_prefix("    "))
        .map(str::to_owned)
        .collect()
}

/// Processor time of all programs that this one ran, in seconds: what the machine did beside them does not count.
///
/// # Errors
/// The system does not say.
pub(super) fn processor_seconds() -> Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(usage.user_time().tv_sec() + usage.system_time().tv_sec())
}

/// Ends every program that this one starts from now on when it has run for so many seconds: a mutant may have made it
/// go round in circles. Processor time, because a busy machine makes nothing go round in circles.
///
/// # Errors
/// The system does not allow it.
pub(super) fn limit_processor_time(seconds: u64) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
    setrlimit(Resource::RLIMIT_CPU, seconds.min(hard), hard).context("cannot limit processor time")
}

impl TryFrom<String> for Check {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        let (word, filter) = match text.split_once(' ') {
            Some((word, filter)) => (word, Some(filter.to_owned())),
            None => (text.as_str(), None),
        };
        let Some(tests) = Tests::ALL.into_iter().find(|tests| tests.as_str() == word) else {
            bail!("no tests are called {word:?}");
        };
        Ok(Self { tests, filter })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tests.as_str())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(tests) => match tests.as_slice() {
                [] => Ok(()),
                [only] => f.write_str(only),
                [first, others @ ..] => write!(f, "{first} and {} more", others.len()),
            },
            Self::Ended => f.write_str("a crash, or no end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_that_failed_are_those_of_the_harnesss_last_list() {
        let text = "\nrunning 3 tests\n.FF\nfailures:\n\n---- a::b stdout ----\n    panicked\n\n\nfailures:\n    a::b\n    \
                    c\n\ntest result: FAILED. 1 passed; 2 failed\n\n";
        assert_eq!(failed_tests(text), ["a::b", "c"]);
        assert_eq!(notice(text).to_string(), "a::b and 1 more");
        assert_eq!(notice("running 3 tests\n"), Notice::Ended);
    }

    #[test]
    fn a_check_is_some_tests_and_maybe_a_word_in_their_names() {
        let check = Check::try_from("packet twin".to_owned()).unwrap();
        assert_eq!(check.tests, Tests::Packet);
        assert_eq!(check.filter.as_deref(), Some("twin"));
        assert!(Check::try_from("pocket".to_owned()).is_err());
    }
}
