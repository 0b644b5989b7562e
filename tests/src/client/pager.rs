//! A receiver of alarms on one of the lab's machines: takes them, refuses them, or hangs, as it is told.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_user::sys::clock::boot_ns;
use serde_json::Value;

use crate::lab::netns::Netns;

/// Time between two looks for who connects.
const LOOK: Duration = Duration::from_millis(2);
/// Who says nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It takes what it is sent.
    Takes,
    /// It answers that it is out of order.
    Refuses,
    /// It accepts connections and says nothing.
    Hangs,
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When, by CLOCK_BOOTTIME.
    pub at_ns: u64,
    /// To which page.
    pub path: String,
    /// The JSON.
    pub body: Value,
    /// Whether it took it.
    pub is_taken: bool,
}

/// The receiver; it is gone when this is dropped.
#[derive(Debug)]
pub struct Pager {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Desk {
    manner: Mutex<Manner>,
    sent: Mutex<Vec<Sent>>,
    /// Connections that are kept open, unanswered.
    kept: Mutex<Vec<TcpStream>>,
    ends: AtomicBool,
}

impl Pager {
    /// Listens on that machine.
    ///
    /// # Errors
    /// When the port is taken there.
    pub fn listen(machine: &Netns, port: u16, manner: Manner) -> Result<Self> {
        let listener = machine.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))??;
        listener.set_nonblocking(true)?;
        let desk = Arc::new(Desk {
            manner: Mutex::new(manner),
            sent: Mutex::default(),
            kept: Mutex::default(),
            ends: AtomicBool::new(false),
        });
        let works = Arc::clone(&desk);
        let thread = thread::spawn(move || works.work(&listener));
        Ok(Self {
            desk,
            thread: Some(thread),
        })
    }

    /// It behaves so from now on; connections that it kept are closed.
    pub fn behave(&self, manner: Manner) {
        *lock(&self.desk.manner) = manner;
        lock(&self.desk.kept).clear();
    }

    /// Everything that it was sent, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.desk.sent).clone()
    }

    /// How many connections it keeps without an answer.
    #[must_use]
    pub fn kept(&self) -> usize {
        lock(&self.desk.kept).len()
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.desk.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of it has been seen already.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn work(&self, listener: &TcpListener) {
        while !self.ends.load(Ordering::Relaxed) {
            match listener.accept() {
                // Who breaks off comes again.
                Ok((stream, _)) => drop(self.serve(stream)),
                Err(_) => sleep(LOOK),
            }
        }
    }

    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let manner = *lock(&self.manner);
        if manner == Manner::Hangs {
            lock(&self.kept).push(stream);
            return Ok(());
        }
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (path, body) = request(&stream)?;
        let is_taken = manner == Manner::Takes;
        let sent = Sent {
            at_ns: boot_ns(),
            path,
            body,
            is_taken,
        };
        lock(&self.sent).push(sent);
        let status = if is_taken {
            "200 OK"
        } else {
            "503 Service Unavailable"
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        Ok(())
    }
}

/// The page that is posted to, and what is.
fn request(stream: &TcpStream) -> Result<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).context("no page")?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((path, serde_json::from_slice(&body)?))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change is one assignment: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
