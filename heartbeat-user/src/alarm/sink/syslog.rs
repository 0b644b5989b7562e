//! A line for each notice to the local syslog daemon (RFC 5424).

use std::path::{Path, PathBuf};
use std::process;

use tokio::net::UnixDatagram;

use crate::alarm::notice::{Action, Notice};
use crate::config::alarms::{Facility, Severity};

/// Where syslog daemons listen (syslog(3)).
const SOCKET: &str = "/dev/log";

/// Severities of RFC 5424, 6.2.1.
const CRITICAL: u8 = 2;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

pub(super) struct Syslog {
    facility: Facility,
    socket: PathBuf,
}

impl Syslog {
    pub(super) fn new(facility: Facility) -> Self {
        Self {
            facility,
            socket: SOCKET.into(),
        }
    }

    pub(super) async fn deliver(&self, notice: &Notice) -> Result<(), String> {
        send(&self.socket, line(self.facility, notice).as_bytes()).await
    }
}

/// Each on a socket of its own: the listener's may be another one after its restart.
pub(super) async fn send(to: &Path, message: &[u8]) -> Result<(), String> {
    let sent = async {
        let socket = UnixDatagram::unbound()?;
        socket.connect(to)?;
        socket.send(message).await
    };
    sent.await
        .map(drop)
        .map_err(|error| format!("nobody takes it at {}: {error}", to.display()))
}

/// How much depends on it, as syslog has it; the end of an alarm is a matter of note only.
pub(super) const fn priority(notice: &Notice) -> u8 {
    match (notice.action, notice.severity) {
        (Action::Cleared, _) => NOTICE,
        (Action::Raised, Severity::Warning) => WARNING,
        (Action::Raised, Severity::Critical) => CRITICAL,
    }
}

/// What people read of it.
pub(super) fn sentence(notice: &Notice) -> String {
    let (name, action, text) = (notice.name.as_str(), notice.action.as_str(), &notice.text);
    match notice.action {
        Action::Raised => format!("alarm {name} {action}: {text}; do: {}", notice.cure),
        Action::Cleared => format!("alarm {name} {action}: {text}"),
    }
}

fn line(facility: Facility, notice: &Notice) -> String {
    let value = facility as u8 * 8 + priority(notice);
    let at = notice.over_at.as_ref().unwrap_or(&notice.since);
    // No structured data: an identifier of our own would need a number that IANA gave us.
    format!(
        "<{value}>1 {at} {} heartbeatd {} alarm - {} [{}]",
        notice.reporter.name,
        process::id(),
        sentence(notice),
        notice.id
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::alarm::tests::{identity, member_alarm};

    #[tokio::test]
    async fn a_line_is_as_the_rfc_has_it_and_arrives_as_one_datagram() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("log");
        let daemon = UnixDatagram::bind(&socket).expect("a socket");
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
        let notice = identity().notice(&member_alarm(3), since, None);
        let syslog = Syslog {
            socket,
            ..Syslog::new(Facility::Local3)
        };
        assert_eq!(syslog.deliver(&notice).await, Ok(()));
        let mut bytes = [0; 2_048];
        let length = daemon.recv(&mut bytes).await.expect("it came");
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let head = format!(
            "<156>1 2025-01-01T00:00:00.000Z n1 heartbeatd {} alarm - alarm down raised: slot 3",
            process::id()
        );
        assert!(text.starts_with(&head), "{text}");
        drop(daemon);
        let refused = syslog.deliver(&notice).await;
        assert!(refused.is_err_and(|why| why.contains("nobody takes it at")));
    }
}
