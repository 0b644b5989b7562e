//! Programs that the daemon runs: each in a process group of its own, for a bounded time, as the user that the
//! configuration names, and never through a shell.
//!
//! A program is started without copying this process: its locked memory is large, and each page that the pulse
//! wrote after a fork would be a fault in its turn. Who is run as somebody else is started as this same executable,
//! which becomes that user and then the program ([`assume`]).

mod assume;
mod trust;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub use assume::assume;
pub use trust::{TrustError, check_trust};

use crate::config::Program;

/// Where this executable is, replaced by an upgrade or not (proc_pid_exe(5)).
const THIS_EXECUTABLE: &str = "/proc/self/exe";
/// What programs are found by, whatever the daemon was started with.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a killed program may take to be gone: one that hangs in the kernel is left to it.
const DYING: Duration = Duration::from_secs(1);

/// Who sees what a program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nobody.
    Nobody,
    /// It goes where the daemon's own log goes.
    Log,
}

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    /// With exit code 0.
    Well,
    /// With another code, or by a signal.
    Badly(ExitStatus),
    /// It took too long, and its process group was killed.
    Overran(Duration),
    /// It could not be started.
    NotStarted(io::Error),
}

impl Ended {
    /// Why it did not end well, in words; `None` if it did.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        Some(match self {
            Self::Well => return None,
            Self::Badly(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended in an unknown way".to_owned(),
            },
            Self::Overran(limit) => format!(
                "had not ended after {} ms and was killed",
                limit.as_millis()
            ),
            Self::NotStarted(error) => format!("could not be started: {error}"),
        })
    }
}

/// Runs a program to its end, for at most `limit`; its environment is `environment` and a path, nothing else.
pub async fn run(
    program: &Program,
    environment: &BTreeMap<&str, String>,
    output: Output,
    limit: Duration,
) -> Ended {
    let mut command = command(program);
    command
        .env_clear()
        .env("PATH", PATH)
        .envs(environment)
        .current_dir("/")
        .stdin(Stdio::null())
        .process_group(0);
    if output == Output::Nobody {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    match command.spawn() {
        Ok(child) => end(child, limit).await,
        Err(error) => Ended::NotStarted(error),
    }
}

fn command(program: &Program) -> Command {
    let Some(user) = &program.user else {
        let mut command = Command::new(&program.words[0]);
        command.args(&program.words[1..]);
        return command;
    };
    let mut command = Command::new(THIS_EXECUTABLE);
    command.arg0(assume::NAME);
    command.args([&user.name, &user.uid.to_string(), &user.gid.to_string()]);
    command.args(&program.words);
    command
}

async fn end(mut child: Child, limit: Duration) -> Ended {
    let group = child.id();
    match timeout(limit, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ended::Well,
        Ok(Ok(status)) => Ended::Badly(status),
        Ok(Err(error)) => Ended::NotStarted(error),
        Err(_) => {
            // Nobody waited for it yet, so its number is nobody else's.
            if let Some(group) = group.and_then(|id| i32::try_from(id).ok()) {
                // Fails only for a group that is gone.
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            // What does not die in time is reaped when it does.
            let _ = timeout(DYING, child.wait()).await;
            Ended::Overran(limit)
        }
    }
}

#[cfg(test)]
mod tests;
