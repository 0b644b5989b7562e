//! The ways in which a service is looked at.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rustls::pki_types::ServerName;

use super::PerRole;
use crate::config::Program;

/// How a service is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A process lives; its end is noticed at once.
    Process(Process),
    /// A connection is accepted.
    Tcp(SocketAddr),
    /// A page is answered as expected.
    Http(Box<Http>),
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
    /// A systemd unit is in a state.
    Unit(Unit),
    /// This node's interface on the business network has its carrier, and a majority of these devices there answers.
    Reference(Vec<IpAddr>),
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
            Self::Unit(_) => "unit",
            Self::Reference(_) => "reference",
        }
    }

    /// Whether a master has to look different from another node.
    #[must_use]
    pub fn depends_on_role(&self) -> bool {
        match self {
            Self::Http(page) => page.depends_on_role(),
            Self::Unit(unit) => unit.state.differs(),
            Self::Process(_)
            | Self::Tcp(_)
            | Self::Command(_)
            | Self::File { .. }
            | Self::Link(_)
            | Self::Reference(_) => false,
        }
    }

    /// Whether all nodes look at the same thing, so that its fault tells nothing of a single one.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        match self {
            Self::Reference(_) => true,
            Self::Process(_)
            | Self::Unit(_)
            | Self::Tcp(_)
            | Self::Http(_)
            | Self::Command(_)
            | Self::File { .. }
            | Self::Link(_) => false,
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
    /// The main process of this systemd service.
    MainOf(String),
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
    /// How the server is told from another one; `None`: by nothing, in plain text.
    pub tls: Option<Tls>,
    /// The status; `None`: any from 200 to 299.
    pub status: Option<PerRole<u16>>,
    /// The body has this text in it.
    pub contains: Option<PerRole<String>>,
    /// The body is JSON, and this text stands at this pointer (RFC 6901) in it.
    pub equals: Option<(String, PerRole<String>)>,
}

impl Http {
    fn depends_on_role(&self) -> bool {
        let texts = self.equals.as_ref().map(|(_, text)| text);
        self.status.as_ref().is_some_and(PerRole::differs)
            || self.contains.as_ref().is_some_and(PerRole::differs)
            || texts.is_some_and(PerRole::differs)
    }
}

/// How a server proves that it is the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The authorities that are believed (PEM); `None`: those that this machine believes.
    pub ca_file: Option<PathBuf>,
    /// What its certificate has to be for.
    pub server_name: ServerName<'static>,
}

/// A systemd unit and the state that is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its whole name.
    pub name: String,
    /// The state.
    pub state: PerRole<WantedState>,
}

/// What a unit may have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedState {
    /// It runs.
    Active,
    /// It does not, and has not failed.
    Inactive,
}

impl WantedState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Active, Self::Inactive];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// One of this node's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The management network.
    Management,
    /// The business network.
    Business,
}
