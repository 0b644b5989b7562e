//! An entry for each notice in systemd's journal.

use std::path::PathBuf;

use super::syslog::{priority, send, sentence};
use crate::alarm::notice::Notice;
use crate::sys::journal::{SOCKET, put};

pub(super) struct Journal {
    socket: PathBuf,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            socket: SOCKET.into(),
        }
    }

    pub(super) async fn deliver(&self, notice: &Notice) -> Result<(), String> {
        send(&self.socket, &entry(notice)).await
    }
}

fn entry(notice: &Notice) -> Vec<u8> {
    let slot = notice
        .slot
        .map_or_else(String::new, |slot| slot.to_string());
    let fields = [
        ("MESSAGE", sentence(notice)),
        ("PRIORITY", priority(notice).to_string()),
        ("SYSLOG_IDENTIFIER", "heartbeatd".to_owned()),
        ("HEARTBEATD_CLUSTER", notice.cluster.clone()),
        ("HEARTBEATD_ALARM", notice.name.as_str().to_owned()),
        ("HEARTBEATD_ALARM_ACTION", notice.action.as_str().to_owned()),
        ("HEARTBEATD_ALARM_ID", notice.id.clone()),
        ("HEARTBEATD_ALARM_KEY", notice.key.clone()),
        ("HEARTBEATD_ALARM_SINCE", notice.since.clone()),
        ("HEARTBEATD_ALARM_SLOT", slot),
    ];
    let mut entry = Vec::new();
    for (field, value) in fields {
        // Who reads the journal with grep finds an alarm in one line.
        put(&mut entry, field, &value.replace('\n', " "));
    }
    entry
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::net::UnixDatagram;

    use super::*;
    use crate::alarm::tests::{identity, member_alarm};

    #[tokio::test]
    async fn an_entry_is_one_datagram_of_fields_of_one_line_each() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("socket");
        let daemon = UnixDatagram::bind(&socket).expect("a socket");
        let mut alarm = member_alarm(3);
        alarm.text = "two\nlines".to_owned();
        let notice = identity().notice(&alarm, SystemTime::now(), None);
        assert_eq!(Journal { socket }.deliver(&notice).await, Ok(()));
        let mut bytes = [0; 4_096];
        let length = daemon.recv(&mut bytes).await.expect("it came");
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        assert!(
            text.starts_with("MESSAGE=alarm down raised: two lines; do: "),
            "{text}"
        );
        assert!(text.contains("\nPRIORITY=4\n"), "{text}");
        assert!(text.contains("\nHEARTBEATD_ALARM_KEY=storage-a/down/slot-3\n"));
        assert_eq!(text.lines().count(), 10);
    }
}
