//! What the service manager is told (sd_notify(3), systemd 209): nothing where there is none.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::Duration;

use heartbeat_core::Instant;

/// Where the service manager listens: a path, or `@` and a name in Linux' own name space.
const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";
/// Within how many microseconds it wants to hear from a service that lives.
const WATCHDOG_VARIABLE: &str = "WATCHDOG_USEC";
/// Whom it means by that, if it says so.
const WATCHDOG_PID_VARIABLE: &str = "WATCHDOG_PID";

/// Told so much more often than wanted: one message may come late, or be lost.
const WATCHDOG_PARTS: u32 = 3;

/// The service manager that started this process, if one did and asked to be told.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
}

impl ServiceManager {
    /// As the environment has it.
    ///
    /// # Errors
    /// `NOTIFY_SOCKET` names no socket that this process can send to.
    pub fn of_environment() -> io::Result<Self> {
        let Some(named) = env::var_os(SOCKET_VARIABLE) else {
            return Ok(Self::default());
        };
        let socket = connect(&named).map_err(|error| {
            let named = named.display();
            io::Error::new(error.kind(), format!("{SOCKET_VARIABLE} {named}: {error}"))
        })?;
        Ok(Self {
            socket: Some(socket),
        })
    }

    /// The service works; units that are ordered after it start.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// What it does now, in one sentence.
    pub fn status(&self, sentence: &str) {
        // A line break would begin another assignment.
        self.tell(&format!("STATUS={}", sentence.replace('\n', " ")));
    }

    /// It is ending, in order.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// What the thread that the service's life hangs on has to feed; `None` if nobody watches.
    ///
    /// # Errors
    /// The socket cannot be had a second time.
    pub fn watchdog(&self) -> io::Result<Option<Watchdog>> {
        let (Some(socket), Some(wanted)) = (&self.socket, watched_within()) else {
            return Ok(None);
        };
        Ok(Some(Watchdog {
            socket: socket.try_clone()?,
            every: wanted / WATCHDOG_PARTS,
            next: Instant::ZERO,
        }))
    }

    /// A service manager that does not listen is not waited for, and is no reason to stop.
    fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(what.as_bytes());
        }
    }
}

/// The service manager's watch over one thread.
#[derive(Debug)]
pub struct Watchdog {
    socket: UnixDatagram,
    every: Duration,
    next: Instant,
}

impl Watchdog {
    /// Says that the thread lives, if it is time; never waits and never allocates.
    pub fn feed(&mut self, now: Instant) {
        if now >= self.next {
            self.next = now + self.every;
            // The next one follows soon.
            let _ = self.socket.send(b"WATCHDOG=1");
        }
    }
}

fn connect(named: &OsStr) -> io::Result<UnixDatagram> {
    let address = match named.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(named)?,
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "neither a path from / nor @ and a name",
            ));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// As [`WATCHDOG_VARIABLE`] has it, if it is meant for this process.
fn watched_within() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let meant = number(WATCHDOG_PID_VARIABLE).is_none_or(|pid| pid == u64::from(process::id()));
    let within = number(WATCHDOG_VARIABLE).filter(|within| meant && *within > 0)?;
    Some(Duration::from_micros(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> Option<String> {
        let mut text = [0; 200];
        let length = socket.recv(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text[..length]).into_owned())
    }

    #[test]
    fn names_in_both_forms_are_reached_and_others_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("heartbeatd-test-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (named, listener) in [
            (path.into_os_string(), by_path),
            (format!("@{name}").into(), by_name),
        ] {
            let manager = ServiceManager {
                socket: Some(connect(&named).unwrap()),
            };
            manager.status("two\nlines");
            assert_eq!(received(&listener).as_deref(), Some("STATUS=two lines"));
        }
        let refused = connect(OsStr::new("vsock:2:1234")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn the_watchdog_is_fed_in_time_and_not_at_every_turn() {
        let (socket, listener) = UnixDatagram::pair().unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut watchdog = Watchdog {
            socket,
            every: Duration::from_millis(700),
            next: Instant::ZERO,
        };
        let mut fed = Vec::new();
        for turn in 0..200 {
            let now = Instant::ZERO + Duration::from_millis(10) * turn;
            watchdog.feed(now);
            fed.extend(received(&listener).map(|text| (turn, text)));
        }
        let expected = [0, 70, 140].map(|turn| (turn, "WATCHDOG=1".to_owned()));
        assert_eq!(fed, expected);
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for() {
        let (socket, _listener) = UnixDatagram::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = ServiceManager {
            socket: Some(socket),
        };
        for _ in 0..10_000 {
            manager.status("there is room for some hundred of these");
        }
    }
}
