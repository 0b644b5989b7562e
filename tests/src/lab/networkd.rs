//! systemd-networkd on a node of the lab, with a message bus of its own.
//!
//! It has its own /run. /sys is read-only, as in a container: where it can be written to, networkd waits for udev,
//! which is not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::NamedTempFile;

use crate::lab::netns::Netns;
use crate::skip::Need;

/// What it needs.
pub const NEEDS: [Need; 2] = [Need::Dbus, Need::Tool("networkctl", "systemd")];

/// What is done inside before it; arguments: the interface, and the text of the file that it configures it by.
const INSIDE: &str = include_str!("networkd.sh");
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running networkd. It ends with it.
#[derive(Debug)]
pub struct Networkd {
    interface: String,
    child: Child,
    log: NamedTempFile,
}

impl Networkd {
    /// Starts it on a node, has it configure that interface by `network` (systemd.network(5)), and waits until it has.
    /// Nobody else should have given the interface the address: version 252 sets one again and again that is there
    /// without its broadcast address.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn start(node: &Netns, interface: &str, network: &str) -> Result<Self> {
        let log = NamedTempFile::new().context("no place for networkd's log")?;
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child"])
            .args(["sh", "-ec", INSIDE, "networkd", interface, network])
            .env("SYSTEMD_LOG_TARGET", "console")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen()?);
        let started = Self {
            interface: interface.to_owned(),
            child: node.spawn(&mut command)?,
            log,
        };
        started.wait_for("it has configured the interface", Self::is_configured)?;
        Ok(started)
    }

    /// Gives it an order by networkctl(1), and returns what that prints.
    ///
    /// # Errors
    /// When it refuses.
    pub fn order(&self, words: &[&str]) -> Result<String> {
        let target = self.child.id().to_string();
        let mut command = Command::new("nsenter");
        command
            .args([
                "--mount",
                "--net",
                "--target",
                &target,
                "networkctl",
                "--no-pager",
            ])
            .args(words)
            .stdin(Stdio::null());
        let output = command.output().context("cannot start nsenter")?;
        ensure!(
            output.status.success(),
            "networkctl {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Has it go through the interface's configuration anew, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub fn reconfigure(&self) -> Result<()> {
        self.begins_anew(&["reconfigure", &self.interface])
    }

    /// Puts a drop-in beside the interface's file, has it read its files anew, and waits until it has configured the
    /// interface by them.
    ///
    /// # Errors
    /// When it cannot be written, or the order is refused.
    pub fn drop_in(&self, file: &Path) -> Result<()> {
        let (root, interface) = (self.child.id(), &self.interface);
        let run = PathBuf::from(format!("/proc/{root}/root/run/systemd/network"));
        let folder = run.join(format!("{interface}.network.d"));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = file.file_name().context("a file has a name")?;
        fs::copy(file, folder.join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
        self.begins_anew(&["reload"])
    }

    fn begins_anew(&self, order: &[&str]) -> Result<()> {
        let before = self.begun();
        self.order(order)?;
        self.wait_for("it has begun anew", |it| Ok(it.begun() > before))?;
        self.wait_for("it has configured the interface", Self::is_configured)
    }

    fn is_configured(&self) -> Result<bool> {
        // Until it is on the bus, nobody answers.
        let status = self.order(&["status", &self.interface]);
        Ok(status.is_ok_and(|status| status.contains("(configured)")))
    }

    /// How often it began to configure the interface.
    fn begun(&self) -> usize {
        let begins =
            ["Configuring", "Reconfiguring"].map(|word| format!("{}: {word} with", self.interface));
        let log = self.log();
        begins.iter().map(|begin| log.matches(begin).count()).sum()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap_or_default()
    }

    fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self)? {
            if begun.elapsed() > PATIENCE {
                bail!("not so of networkd: {what}; it says\n{}", self.log());
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Networkd {
    fn drop(&mut self) {
        // Its first process is killed with it, and so is every other one.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
