//! What is done with the package on one of the nodes.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use heartbeat_tests::booted::Machine;
use serde_json::Value;

/// How long a daemon may take until it says what is expected of it.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the system, dpkg and apt write for themselves.
const ELSEWHERES: [&str; 11] = [
    "/dev",
    "/mnt",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/var/cache",
    "/var/lib/dpkg",
    "/var/lib/systemd",
    "/var/log",
    "/var/tmp",
];

/// One of the two systems.
pub(crate) struct Node {
    pub(crate) slot: u16,
    pub(crate) machine: Machine,
}

impl Node {
    /// Installs a package of the lab's folder, or puts it in the place of another version.
    pub(crate) fn install(&self, package: &Path) -> Result<String> {
        let name = package.file_name().context("a file")?.to_string_lossy();
        self.machine
            .run(&format!("dpkg --install /mnt/{name} 2>&1"))
    }

    /// What systemd says of the unit.
    pub(crate) fn property(&self, name: &str) -> Result<String> {
        let line = format!("systemctl show --property={name} --value heartbeatd.service");
        Ok(self.machine.run(&line)?.trim().to_owned())
    }

    pub(crate) fn status(&self) -> Result<Value> {
        let said = self.machine.run("heartbeatctl status --json")?;
        Ok(serde_json::from_str(&said)?)
    }

    /// Waits until its daemon has this role; what it says then.
    pub(crate) fn wait_for_role(&self, role: &str) -> Result<Value> {
        let begun = Instant::now();
        let mut last = String::new();
        while begun.elapsed() < PATIENCE {
            match self.status() {
                Ok(status) if status["role"] == role => return Ok(status),
                Ok(status) => last = status.to_string(),
                Err(error) => last = format!("{error:#}"),
            }
            sleep(Duration::from_millis(100));
        }
        bail!("slot {} is no {role}: {last}", self.slot)
    }

    /// Every file and folder but those of others.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let elsewhere = ELSEWHERES.map(|path| format!("-path {path}")).join(" -o ");
        let line = format!("find / -xdev \\( {elsewhere} \\) -prune -o -print");
        Ok(self
            .machine
            .run(&line)?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// The folders of its pinned maps, each of which is named by a layout.
    pub(crate) fn layouts(&self) -> Result<String> {
        self.machine.run("ls -d /sys/fs/bpf/heartbeatd/*/maps/*")
    }

    /// Makes the other one master, as soon as that may be.
    pub(crate) fn hand_over(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let asked = self.machine.run("heartbeatctl switchover");
            if asked.is_ok() || begun.elapsed() > PATIENCE {
                return asked.map(drop);
            }
            sleep(Duration::from_millis(100));
        }
    }

    /// What is pinned, and what hangs on the interfaces.
    pub(crate) fn at_work(&self) -> Result<(String, String)> {
        Ok((
            self.machine.run("ls /sys/fs/bpf")?,
            self.machine.run("bpftool net show")?,
        ))
    }

    /// What its daemon says its version is.
    fn version(&self) -> Result<String> {
        let said = self.machine.run("heartbeatctl nodes --json")?;
        let nodes: Value = serde_json::from_str(&said)?;
        let own = (nodes.as_array().into_iter().flatten()).find(|node| node["slot"] == self.slot);
        let version = own.and_then(|node| node["facts"]["version"].as_str());
        Ok(version.context("it knows itself")?.to_owned())
    }

    /// Puts another version in the place of the one that runs; the new process is of the new version. What dpkg and
    /// the package's scripts printed.
    pub(crate) fn upgrade(&self, package: &Path, version: &str) -> Result<String> {
        let before = self.property("MainPID")?;
        let said = self.install(package)?;
        let after = self.property("MainPID")?;
        ensure!(
            before != after && after != "0",
            "process {after} follows {before}: {said}"
        );
        let runs = self.version()?;
        ensure!(runs == version, "{runs} runs: {said}");
        Ok(said)
    }
}
