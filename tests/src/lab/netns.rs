//! Network namespaces: made, entered and removed.
//!
//! Processes are started by a thread that entered the namespace, not through `ip netns exec`: that
//! mounts a new /sys over the old one and so hides /sys/fs/bpf from a daemon.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};

use crate::lab::command::run;

/// Where iproute2 keeps the names of namespaces (ip-netns(8)).
pub const NAMES: &str = "/run/netns";

/// A namespace of the lab; it is removed when this is dropped.
#[derive(Debug)]
pub struct Netns {
    name: String,
    handle: File,
}

impl Netns {
    /// Makes a new namespace with its loopback interface up.
    ///
    /// # Errors
    /// Without the right to (CAP_SYS_ADMIN), or when the name is taken.
    pub fn create(name: String) -> Result<Self> {
        run("ip", &["netns", "add", &name])?;
        let handle = File::open(path_of(&name))
            .with_context(|| format!("cannot open namespace {name} just after making it"))?;
        let made = Self { name, handle };
        run("ip", &["-netns", &made.name, "link", "set", "lo", "up"])?;
        Ok(made)
    }

    /// The name that `ip netns` shows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on a thread inside the namespace and waits for it.
    ///
    /// # Errors
    /// When the namespace cannot be entered; a panic of `work` goes on in the caller.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                enter(&self.name, &self.handle)?;
                Ok(work())
            });
            inside
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Starts a thread that does `work` inside the namespace; it may outlive the namespace's name.
    ///
    /// # Errors
    /// When the namespace's handle cannot be copied. The thread's own: when it cannot be entered.
    pub fn thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<JoinHandle<Result<T>>> {
        let (name, handle) = (self.name.clone(), self.handle.try_clone()?);
        Ok(thread::spawn(move || {
            enter(&name, &handle)?;
            work()
        }))
    }

    /// Starts `command` inside the namespace; all else is inherited from the caller.
    ///
    /// # Errors
    /// When the namespace cannot be entered or the program cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let started: io::Result<Child> = self.run(|| command.spawn())?;
        started.with_context(|| format!("cannot start {command:?} in namespace {}", self.name))
    }
}

/// Moves the calling thread, and only it, into the namespace.
fn enter(name: &str, handle: &File) -> Result<()> {
    setns(handle, CloneFlags::CLONE_NEWNET)
        .with_context(|| format!("cannot enter namespace {name}"))
}

impl Drop for Netns {
    fn drop(&mut self) {
        if let Err(error) = run("ip", &["netns", "del", &self.name]) {
            eprintln!("lab: {error:#}");
        }
    }
}

/// Names of all namespaces that iproute2 knows.
///
/// # Errors
/// When the folder cannot be read; a missing one means that there is none.
pub fn names() -> Result<Vec<String>> {
    let folder = match std::fs::read_dir(NAMES) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {NAMES}")),
    };
    folder
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

fn path_of(name: &str) -> PathBuf {
    Path::new(NAMES).join(name)
}
