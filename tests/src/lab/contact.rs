//! Asking a daemon, as an operator would: through `heartbeatctl`.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use heartbeat_user::control::{Client, Request, Response};
use serde_json::Value;

use crate::paths;

/// Longest time a daemon may take to say what it knows, in seconds. One that is stopped never does.
const TELLS: &str = "0.5";
/// Longest time it may take to do what it is told: it may have to wait for a hook that runs.
const DOES: &str = "2";

/// Where to reach the daemon of one slot.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its slot.
    pub slot: u16,
    /// Its control socket.
    pub socket: PathBuf,
}

impl Contact {
    /// Runs `heartbeatctl` against it.
    ///
    /// # Errors
    /// When heartbeatctl cannot be started; that it failed stands in the output.
    pub fn control(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.start(arguments, DOES)?.wait_with_output()?)
    }

    /// Runs `heartbeatctl` against it and reads the JSON it prints; an exit with 4 (no master) is
    /// an answer too.
    ///
    /// # Errors
    /// When the daemon does not answer, or not in JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.ask(arguments)?.wait_with_output()?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            format!(
                "slot {}: heartbeatctl ended with {}: {}",
                self.slot,
                output.status,
                complaint.trim()
            )
        })
    }

    /// What `heartbeatctl status --json` prints, without starting it: looks that follow each other closely would take the
    /// processors from the daemons.
    ///
    /// # Errors
    /// When the daemon does not answer within that time.
    pub fn status(&self, within: Duration) -> Result<Value> {
        let client = Client::new(&self.socket).patient_for(within);
        match client.ask(Request::Status)? {
            Response::Status(status) => Ok(serde_json::to_value(status)?),
            other => bail!(
                "slot {}: asked for its status, it says {other:?}",
                self.slot
            ),
        }
    }

    /// Starts `heartbeatctl` against it, and does not wait for its end.
    ///
    /// # Errors
    /// When heartbeatctl cannot be started.
    pub fn ask(&self, arguments: &[&str]) -> Result<Child> {
        self.start(arguments, TELLS)
    }

    fn start(&self, arguments: &[&str], seconds: &str) -> Result<Child> {
        Command::new("timeout")
            .arg(seconds)
            .arg(paths::program("heartbeatctl")?)
            .arg("--control")
            .arg(&self.socket)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start `timeout` of coreutils")
    }
}
