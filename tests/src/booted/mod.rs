//! Whole Debian systems in namespaces: a tree of files that systemd boots as its first process, in a node of the lab.
//! So packages are installed, upgraded and removed as on a machine, at a second a boot.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lab::Lab;
use crate::lab::clean::namespace_name;

/// Names the folder with the tree and the packages (`cargo xtask test --packages`).
pub const PACKAGES_VARIABLE: &str = "HEARTBEAT_PACKAGES";
/// What becomes a machine.
const BOOT: &str = include_str!("boot.sh");
/// How long systemd may take until its default target is reached.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where systemd finds its groups, on machines with one hierarchy or with more.
const HIERARCHIES: [&str; 3] = [
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/systemd",
    "/sys/fs/cgroup/unified",
];

/// What `cargo xtask test --packages` made.
#[derive(Debug, Clone)]
pub struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Where the environment says; `None` if nobody asked for these tests.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        let folder = std::env::var_os(PACKAGES_VARIABLE)?.into();
        Some(Self { folder })
    }

    /// A Debian system without the package.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Debian's packages of the version at hand and of the next one, in this order.
    ///
    /// # Errors
    /// When there are not two.
    pub fn versions(&self) -> Result<[PathBuf; 2]> {
        Ok([self.package("now", "deb")?, self.package("later", "deb")?])
    }

    /// Debian's package of the version after those, whose maps have another layout.
    ///
    /// # Errors
    /// When there is none.
    pub fn relaid(&self) -> Result<PathBuf> {
        self.package("relaid", "deb")
    }

    /// The one for Fedora, of the version at hand.
    ///
    /// # Errors
    /// When there is none.
    pub fn fedora(&self) -> Result<PathBuf> {
        self.package("now", "rpm")
    }

    fn package(&self, version: &str, kind: &str) -> Result<PathBuf> {
        let folder = self.folder.join(version);
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        (entries.filter_map(|entry| Some(entry.ok()?.path())))
            .find(|path| path.extension().is_some_and(|end| end == kind))
            .with_context(|| format!("no .{kind} in {}", folder.display()))
    }
}

/// A booted system. It ends, with all that it wrote, when this is dropped.
#[derive(Debug)]
pub struct Machine {
    name: String,
    /// unshare, whose only child is the system's first process.
    outside: Child,
    first: u32,
    console: PathBuf,
}

impl Machine {
    /// Boots `tree` as the node in `slot`, which sees the lab's folder as /mnt.
    ///
    /// # Errors
    /// When the kernel refuses, or systemd does not come to rest.
    pub fn boot(lab: &Lab, slot: u16, tree: &Path) -> Result<Self> {
        let name = namespace_name(lab.number(), &format!("n{slot}"));
        let script = lab.folder().join("boot.sh");
        fs::write(&script, BOOT)?;
        let console = lab.folder().join(format!("{name}.console"));
        fs::write(&console, "")?;
        let mut command = Command::new("sh");
        command
            .arg(&script)
            .args([tree, lab.folder()])
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(fs::File::options().append(true).open(&console)?)
            .stderr(fs::File::options().append(true).open(&console)?);
        let outside = lab.topology().node(slot).spawn(&mut command)?;
        let mut machine = Self {
            name,
            outside,
            first: 0,
            console,
        };
        machine.wait()?;
        Ok(machine)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(ended) = self.outside.try_wait()? {
                bail!("{} ended ({ended}): {}", self.name, self.told());
            }
            if let Some(first) = child_of(self.outside.id()) {
                self.first = first;
                let state = self.ask("systemctl is-system-running");
                let said = state.map(|output| text(&output.stdout)).unwrap_or_default();
                if ["running", "degraded"].contains(&said.trim()) {
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(200));
        }
        bail!("{} does not come to rest: {}", self.name, self.told())
    }

    /// Runs a line of shell in the system; what it printed and how it ended.
    ///
    /// # Errors
    /// When the system cannot be entered.
    pub fn ask(&self, line: &str) -> Result<Output> {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.first.to_string()])
            .args(["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"])
            .args(["sh", "-c", line])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        command.output().context("cannot start nsenter")
    }

    /// Runs a line of shell in the system that has to succeed; what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, line: &str) -> Result<String> {
        let output = self.ask(line)?;
        ensure!(
            output.status.success(),
            "{}: `{line}` ended with {}: {}{}",
            self.name,
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        Ok(text(&output.stdout))
    }

    /// What its console showed, for whoever looks into a failure.
    #[must_use]
    pub fn told(&self) -> String {
        let shown = fs::read_to_string(&self.console).unwrap_or_default();
        let lines: Vec<&str> = shown.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first process in the namespace that unshare made, by its number here.
fn child_of(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_ascii_whitespace().next()?.parse().ok()
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its first process, and with that every other one, ends with unshare.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
        for hierarchy in HIERARCHIES {
            remove_groups(&Path::new(hierarchy).join(&self.name));
        }
    }
}

/// Removes a group and those below it, as soon as their last processes are gone.
fn remove_groups(group: &Path) {
    let Ok(entries) = fs::read_dir(group) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    for _ in 0..50 {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                sleep(Duration::from_millis(20));
            }
            Ok(()) => return,
            Err(error) => return eprintln!("lab: cannot remove {}: {error}", group.display()),
        }
    }
}
