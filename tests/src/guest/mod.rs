//! Whole machines: guests of an emulator, each with a kernel of its own.
//!
//! `cargo xtask test --kernels` makes what they start from ([`Image`]). The host speaks to a guest over its
//! serial console, line by line, and to its emulator to stop it and to let it go on.

mod console;
mod emulator;
pub mod machines;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::addresses::{Mac, mac_text};
use crate::lab::netns::Netns;
use console::Console;
use emulator::{Monitor, accelerator};

/// Names the kernel that guests shall have.
pub const KERNEL_VARIABLE: &str = "HEARTBEAT_GUEST_KERNEL";
/// Names the archive in memory that guests start from.
pub const IMAGE_VARIABLE: &str = "HEARTBEAT_GUEST_IMAGE";
/// The longest that a guest takes to start, on two processors that emulate four machines.
const START: Duration = Duration::from_secs(180);

/// What guests start from.
#[derive(Debug, Clone)]
pub struct Image {
    kernel: PathBuf,
    archive: PathBuf,
}

impl Image {
    /// The one that the environment names; `None` if it names none.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        Some(Self {
            kernel: std::env::var_os(KERNEL_VARIABLE)?.into(),
            archive: std::env::var_os(IMAGE_VARIABLE)?.into(),
        })
    }
}

/// What a guest is to have.
#[derive(Debug)]
pub struct Hardware<'a> {
    /// Memory in MiB; what it starts from lies in it.
    pub memory_mib: u32,
    /// Number of processors.
    pub processors: u8,
    /// A tap and the hardware address behind it for each interface, `eth0` and on.
    pub wires: &'a [(String, Mac)],
    /// Where the taps are.
    pub namespace: Option<&'a Netns>,
}

/// A running guest; it is gone when this is dropped.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    console: Console,
    monitor: Monitor,
}

/// What a command in a guest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub text: String,
}

impl Guest {
    /// Starts a machine and waits until it listens.
    ///
    /// # Errors
    /// When the emulator cannot be started, or the guest does not come up.
    pub fn start(
        image: &Image,
        hardware: &Hardware<'_>,
        folder: &Path,
        name: &str,
    ) -> Result<Self> {
        let socket = folder.join(format!("{name}.monitor"));
        let mut command = emulator(image, hardware, &socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = match hardware.namespace {
            Some(namespace) => namespace.spawn(&mut command)?,
            None => command.spawn().context("cannot start qemu-system-x86_64")?,
        };
        let console = Console::of(&mut child);
        let mut guest = Self {
            child,
            console: console?,
            monitor: Monitor::connect(&socket)?,
        };
        guest
            .console
            .wait_for("guest: ready", START, |_| {})
            .with_context(|| format!("guest {name} did not start"))?;
        Ok(guest)
    }

    /// Has the guest's shell do a line, and gives `each` line of what it prints at once.
    ///
    /// # Errors
    /// When it does not end within `patience`, or the guest dies.
    pub fn do_line(
        &mut self,
        line: &str,
        patience: Duration,
        each: impl FnMut(&str),
    ) -> Result<i32> {
        self.console.say(line)?;
        let code = self.console.wait_for("guest: done ", patience, each)?;
        code.parse()
            .with_context(|| format!("no exit code after `{line}`: {code}"))
    }

    /// As [`Guest::do_line`], with all that was printed.
    ///
    /// # Errors
    /// As [`Guest::do_line`].
    pub fn ask(&mut self, line: &str) -> Result<Answer> {
        let mut text = String::new();
        let code = self.do_line(line, Duration::from_secs(60), |printed| {
            text += printed;
            text.push('\n');
        })?;
        let text = text.trim().to_owned();
        Ok(Answer { code, text })
    }

    /// As [`Guest::ask`], for what must succeed.
    ///
    /// # Errors
    /// It did not.
    pub fn run(&mut self, line: &str) -> Result<String> {
        let answer = self.ask(line)?;
        ensure!(
            answer.code == 0,
            "`{line}` failed ({}): {}",
            answer.code,
            answer.text
        );
        Ok(answer.text)
    }

    /// Stops the whole machine, between two instructions.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn stop(&mut self) -> Result<()> {
        self.monitor.execute("stop")
    }

    /// Lets it go on as if nothing had been.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub fn go_on(&mut self) -> Result<()> {
        self.monitor.execute("cont")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn emulator(image: &Image, hardware: &Hardware<'_>, socket: &Path) -> Command {
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-display", "none", "-serial", "stdio", "-machine", "q35"])
        .args(["-accel", accelerator()])
        .args(["-m", &hardware.memory_mib.to_string()])
        .args(["-smp", &hardware.processors.to_string()])
        .arg("-qmp")
        .arg(format!("unix:{},server=on,wait=off", socket.display()))
        .arg("-kernel")
        .arg(&image.kernel)
        .arg("-initrd")
        .arg(&image.archive)
        .args(["-append", "console=ttyS0 quiet panic=-1"]);
    for (number, (tap, mac)) in hardware.wires.iter().enumerate() {
        command
            .arg("-netdev")
            .arg(format!(
                "tap,id=n{number},ifname={tap},script=no,downscript=no"
            ))
            .arg("-device")
            // Without a file to start from over the network, which is in a package of its own.
            .arg(format!(
                "virtio-net-pci,netdev=n{number},mac={},romfile=",
                mac_text(*mac)
            ));
    }
    command
}
