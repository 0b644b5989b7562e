//! Where alarms are sent.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Program;
use super::service::Tls;

/// What becomes of alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarms {
    /// One that comes back so soon after it was over is the same one, and nothing is sent: 1 s to 1 h.
    pub hold: Duration,
    /// Who hears of them, in the file's order: at most 16.
    pub sinks: Vec<Sink>,
}

impl Alarms {
    /// Nobody hears of them but who asks this node.
    pub const NONE: Self = Self {
        hold: Duration::from_secs(10),
        sinks: Vec::new(),
    };
}

/// Who hears of alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Its name: 1 to 32 characters, unique on this node.
    pub name: String,
    /// By which way.
    pub way: Way,
    /// Those below are not sent.
    pub least: Severity,
    /// How long one attempt may take: 100 ms to 1 min.
    pub timeout: Duration,
}

/// How alarms reach a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// One POST of JSON for each.
    Webhook(Url),
    /// Alertmanager's API, version 2.
    Alertmanager {
        /// Its page of alerts.
        url: Url,
        /// How often it is told what is in force: 1 s to 1 h.
        resend: Duration,
    },
    /// One run of a program for each.
    Command(Program),
    /// A line for each to the local syslog daemon.
    Syslog(Facility),
    /// An entry for each in systemd's journal.
    Journal,
}

impl Way {
    /// The key that it stands under in the file.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Alertmanager { .. } => "alertmanager",
            Self::Command(_) => "command",
            Self::Syslog(_) => "syslog",
            Self::Journal => "journal",
        }
    }
}

/// Where a web server takes alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The server.
    pub address: SocketAddr,
    /// What it is called in requests.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// How it is told from another one; `None`: by nothing, in plain text.
    pub tls: Option<Tls>,
}

/// How much depends on an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// All works, with less in reserve.
    Warning,
    /// Clients do not reach the service, or may reach two.
    Critical,
}

impl Severity {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A syslog facility: its number (RFC 5424, 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// `user`
    User = 1,
    /// `daemon`
    Daemon = 3,
    /// `local0`
    Local0 = 16,
    /// `local1`
    Local1 = 17,
    /// `local2`
    Local2 = 18,
    /// `local3`
    Local3 = 19,
    /// `local4`
    Local4 = 20,
    /// `local5`
    Local5 = 21,
    /// `local6`
    Local6 = 22,
    /// `local7`
    Local7 = 23,
}

impl Facility {
    /// Every one that a daemon may use.
    pub const ALL: [Self; 10] = [
        Self::Daemon,
        Self::User,
        Self::Local0,
        Self::Local1,
        Self::Local2,
        Self::Local3,
        Self::Local4,
        Self::Local5,
        Self::Local6,
        Self::Local7,
    ];

    /// The word for it in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Daemon => "daemon",
            Self::Local0 => "local0",
            Self::Local1 => "local1",
            Self::Local2 => "local2",
            Self::Local3 => "local3",
            Self::Local4 => "local4",
            Self::Local5 => "local5",
            Self::Local6 => "local6",
            Self::Local7 => "local7",
        }
    }
}
