//! Services that nodes watch, and what is tried when one fails.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use heartbeat_core::recovery::Plan;

use super::Program;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, unique: 1 to 32 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Which nodes watch it.
    pub on: On,
    /// How it is looked at.
    pub check: Check,
    /// How often, and what follows from it.
    pub pace: Pace,
    /// What a master tries when it fails.
    pub on_master: Option<Recovery>,
    /// What any other node tries.
    pub on_slave: Option<Recovery>,
}

/// Which nodes watch a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every node that may become master.
    Every,
    /// The master: elsewhere it does not run.
    Master,
}

impl On {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Every, Self::Master];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Master => "master",
        }
    }
}

/// How a service is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A process lives; its end is noticed at once.
    Process(Process),
    /// A connection is accepted.
    Tcp(SocketAddr),
    /// A page is answered as expected.
    Http(Http),
    /// A program ends with exit code 0.
    Command(Program),
    /// A file was written of late.
    File {
        /// Which.
        path: PathBuf,
        /// How long ago at most.
        max_age: Duration,
    },
    /// This node's interface on a network has its carrier.
    Link(Network),
}

impl Check {
    /// The key that it stands under in the file.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::Tcp(_) => "tcp",
            Self::Http(_) => "http",
            Self::Command(_) => "command",
            Self::File { .. } => "file",
            Self::Link(_) => "link",
        }
    }
}

/// Which process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// The one whose number stands in this file.
    PidFile(PathBuf),
    /// The oldest one with this command name (`/proc/PID/comm`, 1 to 15 bytes).
    Name(String),
}

/// A page and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where.
    pub address: SocketAddr,
    /// The host's name in the request.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// The status; `None`: any from 200 to 299.
    pub status: Option<u16>,
    /// The body has this text in it.
    pub contains: Option<String>,
    /// The body is JSON, and this text stands at this pointer (RFC 6901) in it.
    pub equals: Option<(String, String)>,
}

/// One of this node's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The management network.
    Management,
    /// The business network.
    Business,
}

/// How often a service is looked at, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the beginning of one check to that of the next, 10 ms to 1 h.
    pub interval: Duration,
    /// A check that takes longer has failed, 1 ms to 10 m.
    pub timeout: Duration,
    /// Successes in a row after which a failed service works again, 1 to 255.
    pub rise: u16,
    /// Failures in a row after which it has failed, 1 to 255.
    pub fall: u16,
    /// A service that was not seen to work yet has not failed before.
    pub start_grace: Duration,
}

impl Pace {
    /// The oldest that the last successful check of a service can be that is not known to have failed.
    #[must_use]
    pub fn oldest_success(&self) -> Duration {
        (self.interval.max(self.timeout)) * (u32::from(self.fall) + 1)
    }
}

/// How a failed service is brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// What is run.
    pub run: Program,
    /// How long it may take.
    pub timeout: Duration,
    /// How often, and for how long in all.
    pub plan: Plan,
}

/// How often mastership may move for a service's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handovers {
    /// So often by one node, 1 to 100.
    pub most: u16,
    /// Within so long.
    pub window: Duration,
}

impl Handovers {
    /// What holds where the file says nothing.
    pub const DEFAULT: Self = Self {
        most: 3,
        window: Duration::from_secs(600),
    };
}
