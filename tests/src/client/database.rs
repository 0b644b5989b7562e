//! A database's client, that writes through the virtual address and keeps count of what was acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_user::sys::clock::boot_ns;

/// How long it waits for an acknowledgement before it connects anew.
const PATIENCE: Duration = Duration::from_millis(500);
/// Pause between two writes, and before it connects anew.
const PAUSE: Duration = Duration::from_millis(2);

/// A write that was acknowledged: its number, and when, in nanoseconds of CLOCK_BOOTTIME.
pub type Acknowledged = (u64, u64);

struct Session {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Session {
    fn start(server: &str) -> Result<Self> {
        let mut child = Command::new("psql")
            .args([server, "-qAtX"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("psql of Debian's postgresql-client is installed")?;
        let input = child.stdin.take().context("it is piped")?;
        let output = child.stdout.take().context("it is piped")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            lines,
        })
    }

    /// Whether the server acknowledged this number.
    fn write(&mut self, number: u64) -> bool {
        let statement = format!("insert into written values ({number}) returning number;\n");
        self.input.write_all(statement.as_bytes()).is_ok()
            && self
                .lines
                .recv_timeout(PATIENCE)
                .is_ok_and(|line| line == number.to_string())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes numbers into the table `written` until `stop`; every write that was acknowledged. `server` is a connection
/// string (libpq).
///
/// # Errors
/// When psql cannot be started.
pub fn write(server: &str, stop: &AtomicBool) -> Result<Vec<Acknowledged>> {
    let mut acknowledged = Vec::new();
    let mut session = Session::start(server)?;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        // A number whose fate is unknown is never written again.
        number += 1;
        if session.write(number) {
            acknowledged.push((number, boot_ns()));
        } else {
            session = Session::start(server)?;
        }
        thread::sleep(PAUSE);
    }
    Ok(acknowledged)
}
