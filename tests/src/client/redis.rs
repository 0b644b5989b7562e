//! A client of Redis that writes through the virtual address and asks with each write how many replicas have it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use heartbeat_user::sys::clock::boot_ns;

/// The servers' port.
pub const PORT: u16 = 6_379;
/// The set that the numbers are written into.
pub const SET: &str = "written";
/// How long it waits for a connection, and for an answer, before it connects anew.
const CONNECTING: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the server waits for a replica, in milliseconds; also when it refused the write.
const WAIT_MS: u64 = 200;
/// Pause between two writes, and before it connects anew.
const PAUSE: Duration = Duration::from_millis(2);

/// A write that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// What was written.
    pub number: u64,
    /// When it was acknowledged, in nanoseconds of CLOCK_BOOTTIME.
    pub at_ns: u64,
    /// How many replicas had it by then, as `WAIT` told.
    pub replicas: u64,
}

/// What came of a client's time.
#[derive(Debug, Default)]
pub struct Story {
    /// Every write that was acknowledged, in order.
    pub written: Vec<Written>,
    /// How many were refused because too few replicas follow (`NOREPLICAS`).
    pub refused: u64,
}

/// Writes numbers at `address` until `stop`. A number whose fate is unknown is never written again.
#[must_use]
pub fn write(address: IpAddr, stop: &AtomicBool) -> Story {
    let mut story = Story::default();
    let mut session = None;
    for number in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if session.is_none() {
            session = Session::connect(address).ok();
        }
        // Without a session, or with one that breaks, nothing is acknowledged: that is what an outage is made of.
        match session.as_mut().map(|session| session.write(number)) {
            Some(Ok(Some(replicas))) => story.written.push(Written {
                number,
                at_ns: boot_ns(),
                replicas,
            }),
            Some(Ok(None)) => story.refused += 1,
            Some(Err(_)) | None => session = None,
        }
        sleep(PAUSE);
    }
    story
}

struct Session(BufReader<TcpStream>);

impl Session {
    fn connect(address: IpAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&SocketAddr::from((address, PORT)), CONNECTING)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// How many replicas have the number; `None` if the server refuses it.
    fn write(&mut self, number: u64) -> Result<Option<u64>> {
        let request = format!("SADD {SET} {number}\r\nWAIT 1 {WAIT_MS}\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let (added, replicas) = (self.line()?, self.line()?);
        if added.starts_with("-NOREPLICAS") {
            return Ok(None);
        }
        if added != ":1" {
            bail!("not added: {added}");
        }
        let count = replicas.strip_prefix(':').context("WAIT gives a number")?;
        Ok(Some(count.parse()?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }
}
