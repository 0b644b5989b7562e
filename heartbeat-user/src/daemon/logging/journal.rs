//! The log's lines as entries of the journal: the text that standard error would have, and each value as a field.

use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::sys::journal::put;

/// What every field of ours begins with.
const PREFIX: &str = "HEARTBEATD_";
/// The field of the text itself.
const MESSAGE: &str = "message";
/// How long a journal may take nothing before a line is dropped: whoever writes the log must not hang with it.
const PATIENCE: Duration = Duration::from_millis(200);

/// The journal, connected.
pub(super) struct Journal {
    socket: UnixDatagram,
    /// What stands in every entry.
    always: Vec<u8>,
}

impl Journal {
    /// # Errors
    /// When nobody takes entries there.
    pub(super) fn connect(to: &Path, cluster: &str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(to)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut always = Vec::new();
        put(&mut always, "SYSLOG_IDENTIFIER", "heartbeatd");
        put(&mut always, "HEARTBEATD_CLUSTER", cluster);
        Ok(Self { socket, always })
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut entry = Entry {
            text: String::new(),
            values: String::new(),
            bytes: self.always.clone(),
        };
        event.record(&mut entry);
        let text = entry.text + &entry.values;
        put(&mut entry.bytes, "MESSAGE", text.trim_start());
        put(
            &mut entry.bytes,
            "PRIORITY",
            priority(*event.metadata().level()),
        );
        // There is nobody else to tell.
        let _ = self.socket.send(&entry.bytes);
    }
}

/// As syslog has it.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    }
}

/// An entry that is being written.
struct Entry {
    text: String,
    /// The values behind the text, for people.
    values: String,
    bytes: Vec<u8>,
}

impl Entry {
    fn put(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            self.text = value.to_owned();
            return;
        }
        // Memory takes it.
        let _ = write!(self.values, " {}={value}", field.name());
        let is_plain = |c: char| c.is_ascii_alphanumeric();
        let capital = |c: char| {
            if is_plain(c) {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        let name: String = field.name().chars().map(capital).collect();
        put(&mut self.bytes, &format!("{PREFIX}{name}"), value);
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::sys::journal::tests::fields;

    /// What a journal gets of what is logged meanwhile.
    fn logged(log: impl FnOnce()) -> Vec<BTreeMap<String, String>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        journal.set_nonblocking(true).expect("set");
        let layer = Journal::connect(&path, "storage-a").expect("it is there");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let mut bytes = [0; 4_096];
        let next = || {
            journal
                .recv(&mut bytes)
                .ok()
                .map(|length| fields(&bytes[..length]))
        };
        std::iter::from_fn(next)
            .map(|fields| fields.into_iter().collect())
            .collect()
    }

    #[test]
    fn an_entry_has_the_text_for_people_and_each_value_as_a_field() {
        let entries = logged(|| {
            let announced_us: Option<u64> = None;
            tracing::info!(from = "slave", to = "master", epoch_round = 4, announced_us, reason = %"a majority", "role changed");
            tracing::error!("two\nlines");
        });
        let expected = [
            ("HEARTBEATD_CLUSTER", "storage-a"),
            ("HEARTBEATD_EPOCH_ROUND", "4"),
            ("HEARTBEATD_FROM", "slave"),
            ("HEARTBEATD_REASON", "a majority"),
            ("HEARTBEATD_TO", "master"),
            (
                "MESSAGE",
                "role changed from=slave to=master epoch_round=4 reason=a majority",
            ),
            ("PRIORITY", "6"),
            ("SYSLOG_IDENTIFIER", "heartbeatd"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(entries[0], BTreeMap::from(expected));
        assert_eq!(entries[1]["MESSAGE"], "two\nlines");
        assert_eq!(entries[1]["PRIORITY"], "3");
        assert_eq!(entries.len(), 2);
    }

    #[test]
    fn a_journal_that_takes_nothing_costs_a_moment_and_what_it_missed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        let layer = Journal::connect(&path, "storage-a").expect("it is there");
        // Fills the queue that nobody empties.
        layer.socket.set_nonblocking(true).expect("set");
        while layer.socket.send(b"MESSAGE=full\n").is_ok() {}
        layer.socket.set_nonblocking(false).expect("set");
        let begun = Instant::now();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("dropped");
        });
        let took = begun.elapsed();
        assert!(took >= PATIENCE && took < 20 * PATIENCE, "{took:?}");
        let mut bytes = [0; 4_096];
        journal.set_nonblocking(true).expect("set");
        let kept =
            std::iter::from_fn(|| journal.recv(&mut bytes).ok().map(|it| bytes[..it].to_vec()));
        assert!(kept.into_iter().all(|entry| entry == b"MESSAGE=full\n"));
    }
}
