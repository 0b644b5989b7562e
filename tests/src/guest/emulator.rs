//! The emulator's own side: how it runs a guest, and the monitor that stops it (QMP).

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// How long the emulator may take to make its socket, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// `kvm` where the processor has the means and this machine may use them, else `tcg`: everything in software,
/// many times slower.
#[must_use]
pub(super) fn accelerator() -> &'static str {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has_means = processors
        .split_ascii_whitespace()
        .any(|word| word == "vmx" || word == "svm");
    if has_means
        && fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/kvm")
            .is_ok()
    {
        "kvm"
    } else {
        "tcg"
    }
}

/// A conversation with one emulator.
#[derive(Debug)]
pub(super) struct Monitor {
    stream: BufReader<UnixStream>,
}

impl Monitor {
    pub(super) fn connect(socket: &Path) -> Result<Self> {
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(_) if Instant::now() < until => sleep(Duration::from_millis(20)),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("no emulator behind {}", socket.display()));
                }
            }
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut monitor = Self {
            stream: BufReader::new(stream),
        };
        // Its greeting.
        monitor.read()?;
        monitor.execute("qmp_capabilities")?;
        Ok(monitor)
    }

    /// Has a command done that takes no arguments, and waits until it is.
    pub(super) fn execute(&mut self, command: &str) -> Result<()> {
        let line = json!({ "execute": command }).to_string() + "\n";
        self.stream.get_mut().write_all(line.as_bytes())?;
        loop {
            let answer = self.read()?;
            if answer.get("return").is_some() {
                return Ok(());
            }
            if let Some(error) = answer.get("error") {
                bail!("the emulator refuses to {command}: {error}");
            }
            // Anything else is an event.
        }
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .context("the emulator does not answer")?;
        serde_json::from_str(&line).context("the emulator is gone")
    }
}
