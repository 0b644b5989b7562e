//! A process of the lab itself, running in one of its namespaces.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::lab::netns::Netns;
use crate::paths;

/// A running `lab-tool`. It ends when its input does, so at the latest with the lab's process.
#[derive(Debug)]
pub struct Helper {
    name: String,
    child: Child,
}

impl Helper {
    /// Starts `lab-tool` with these arguments in `namespace`; what it complains of goes to
    /// `<name>.log` in `folder`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        namespace: &Netns,
        folder: &Path,
        name: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let log = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let mut command = Command::new(paths::program("lab-tool")?);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let child = namespace.spawn(&mut command)?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    /// Waits for its first line, with which it says that it is at work.
    ///
    /// # Errors
    /// When it ends without one.
    pub fn ready(&mut self) -> Result<String> {
        let output = self.child.stdout.as_mut().context("its output is piped")?;
        let mut line = Vec::new();
        let mut byte = [0];
        while output.read(&mut byte)? == 1 {
            if byte == *b"\n" {
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            line.push(byte[0]);
        }
        bail!(
            "{} ended before it was at work ({}); see its log",
            self.name,
            self.child.wait()?
        )
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by SIGKILL.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it end, and returns the rest of what it said.
    ///
    /// # Errors
    /// When it ended with an error.
    pub fn finish(mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child
            .stdout
            .take()
            .context("its output is piped")?
            .read_to_string(&mut said)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{} ended with {status}; see its log", self.name);
        }
        Ok(said)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
