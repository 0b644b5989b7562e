//! A heartbeatd in its node's namespace, with files and pins of its own.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use nix::unistd::Pid;

use crate::client::systemd;
use crate::lab::Lab;
use crate::lab::clean::{BPF_FOLDER, folder_name};
use crate::lab::contact::Contact;
use crate::lab::container;
use crate::lab::wall_clock::WallClock;
use crate::paths;

/// How many lines of its log a failure shows.
const TAIL: usize = 25;

/// The daemon of one node, running or not.
#[derive(Debug)]
pub struct Daemon {
    slot: u16,
    /// The slot that it says it is in; another one than its node's only for a machine in the wrong place.
    claims: u16,
    folder: PathBuf,
    pins: PathBuf,
    config: PathBuf,
    wall_clock: Option<WallClock>,
    is_contained: bool,
    child: Option<Child>,
}

impl Daemon {
    /// Prepares the daemon of the node in `slot`; it does not run yet.
    ///
    /// # Errors
    /// When its folder cannot be made, or the BPF file system cannot be mounted.
    pub fn prepare(lab: &Lab, slot: u16, config: &Path) -> Result<Self> {
        need_bpf_file_system()?;
        let name = format!("n{slot}");
        let folder = lab.folder().join(&name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let pins = Path::new(BPF_FOLDER)
            .join(folder_name(lab.number()))
            .join(&name);
        Ok(Self {
            slot,
            claims: slot,
            folder,
            pins,
            config: config.to_owned(),
            wall_clock: None,
            is_contained: false,
            child: None,
        })
    }

    /// Starts it; its log goes on where the last one ended.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn start(&mut self, lab: &Lab) -> Result<()> {
        if self.child.is_some() {
            bail!("the daemon of slot {} runs already", self.slot);
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let program = paths::program("heartbeatd")?;
        let mut command = if self.is_contained {
            container::command(lab.folder(), &program)
        } else {
            Command::new(program)
        };
        command
            .arg("--config")
            .arg(&self.config)
            .args(["--slot", &self.claims.to_string()])
            .arg("--control")
            .arg(self.socket())
            .arg("--bpf-dir")
            .arg(&self.pins)
            .arg("--state")
            .arg(self.state())
            .env("DBUS_SYSTEM_BUS_ADDRESS", systemd::address(&self.folder))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(clock) = &self.wall_clock {
            clock.give_to(&mut command);
        }
        self.child = Some(lab.topology().node(self.slot).spawn(&mut command)?);
        Ok(())
    }

    /// From its next start on it says that it is in that slot, by this file.
    pub fn pose(&mut self, slot: u16, config: &Path) {
        self.claims = slot;
        config.clone_into(&mut self.config);
    }

    /// From its next start on it runs in a container; its process is then the one that holds the container.
    pub const fn contain(&mut self) {
        self.is_contained = true;
    }

    /// From its next start on it has a wall clock of its own.
    ///
    /// # Errors
    /// When the clock cannot be made.
    pub fn give_wall_clock(&mut self) -> Result<()> {
        self.wall_clock = Some(WallClock::new(&self.folder)?);
        Ok(())
    }

    /// Its own wall clock is so many seconds ahead of the machine's from now on.
    ///
    /// # Errors
    /// When it was given none, or the disk refuses.
    pub fn set_wall_clock(&self, ahead: i64) -> Result<()> {
        let clock = self.wall_clock.as_ref();
        clock.context("it was given a wall clock")?.set(ahead)
    }

    /// Slot of its node.
    #[must_use]
    pub const fn slot(&self) -> u16 {
        self.slot
    }

    /// Its pinned maps and links.
    #[must_use]
    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// Its files: state, control socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its process, if it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its folder of what must survive a reboot.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Its control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// Whether it runs (stopped counts as running).
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_none(),
            None => false,
        })
    }

    /// Its process, if it was started and not ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Processor time of all its threads that run now, in nanoseconds.
    ///
    /// # Errors
    /// When it does not run.
    pub fn ran_ns(&self) -> Result<u64> {
        let pid = self.pid().context("the daemon runs")?;
        let folder = format!("/proc/{pid}/task");
        let threads = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
        // A thread may end meanwhile.
        let ran = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        });
        Ok(ran.sum())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let child = self
            .child
            .as_ref()
            .with_context(|| format!("the daemon of slot {} does not run", self.slot))?;
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        kill(pid, signal)
            .with_context(|| format!("cannot send {signal} to the daemon of slot {}", self.slot))
    }

    /// Sends it a signal that ends it, and waits for its end; returns its exit code, if it had one.
    ///
    /// # Errors
    /// When it does not run.
    pub fn end(&mut self, signal: Signal) -> Result<Option<i32>> {
        self.signal(signal)?;
        let mut child = self
            .child
            .take()
            .context("it took the signal, so it runs")?;
        Ok(child.wait()?.code())
    }

    /// Waits until it has ended by itself, for at most `patience`; returns its exit code, if it had one.
    ///
    /// # Errors
    /// When it does not run, or goes on running.
    pub fn wait(&mut self, patience: Duration) -> Result<Option<i32>> {
        let mut child = self.child.take().context("it was started")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.code());
            }
            if begun.elapsed() > patience {
                self.child = Some(child);
                bail!("the daemon of slot {} still runs", self.slot);
            }
            sleep(Duration::from_millis(1));
        }
    }

    /// How to ask it.
    #[must_use]
    pub fn contact(&self) -> Contact {
        Contact {
            slot: self.slot,
            socket: self.socket(),
        }
    }

    /// Its whole log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only for a process that is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Mounts the BPF file system where the distribution did not.
fn need_bpf_file_system() -> Result<()> {
    if statfs(BPF_FOLDER).is_ok_and(|facts| facts.filesystem_type() == BPF_FS_MAGIC) {
        return Ok(());
    }
    mount(
        Some("bpf"),
        BPF_FOLDER,
        Some("bpf"),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("cannot mount the BPF file system on {BPF_FOLDER}"))
}
