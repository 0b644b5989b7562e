//! What systemd's journal gets of a daemon that it started, by a socket that stands in for the journal's.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::rig::{PATIENCE, Rig, Running};

/// Starts a program as systemd does whose standard error is the journal's. The journal's socket is at a place that is the
/// same for all, so this daemon has a file system of its own there.
const AS_SYSTEMD: &str = r#"
mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "$1" /run/systemd/journal && shift
JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2) exec "$@"
"#;

type Entry = BTreeMap<String, String>;

/// Who takes entries.
struct Journal {
    socket: UnixDatagram,
    entries: Vec<Entry>,
}

impl Journal {
    fn new(rig: &Rig) -> Self {
        std::fs::create_dir(rig.path("journal")).expect("a folder can be made");
        let socket = UnixDatagram::bind(rig.path("journal/socket")).expect("a socket can be made");
        let look = Some(Duration::from_millis(20));
        socket.set_read_timeout(look).expect("a time can be set");
        Self {
            socket,
            entries: Vec::new(),
        }
    }

    fn start(&self, rig: &Rig, slot: u16) -> Running {
        let mut order = rig.daemon(slot);
        let folder = rig.path("journal").display().to_string();
        let words = ["unshare", "--mount", "sh", "-c", AS_SYSTEMD, "sh", &folder];
        order.before = words.map(str::to_owned).to_vec();
        order.start()
    }

    /// The first entry that begins so and has this value in this field, waiting for it.
    fn until(&mut self, begins: &str, field: &str, value: &str) -> Entry {
        let begun = Instant::now();
        let is_it = |entry: &&Entry| {
            entry["MESSAGE"].starts_with(begins) && entry.get(field).is_some_and(|it| it == value)
        };
        loop {
            if let Some(entry) = self.entries.iter().find(is_it) {
                return entry.clone();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{begins} with {field}={value} in vain: {:#?}",
                self.entries
            );
            let mut bytes = [0; 10_000];
            if let Ok(length) = self.socket.recv(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let fields = text.lines().filter_map(|line| line.split_once('='));
                self.entries.push(
                    fields
                        .map(|(name, value)| (name.into(), value.into()))
                        .collect(),
                );
            }
        }
    }
}

#[test]
fn under_systemd_role_changes_and_takeovers_are_entries_with_the_fields_that_the_docs_name() {
    let Some(rig) = Rig::new("under_systemd_role_changes") else {
        return;
    };
    let mut second = rig.daemon(2).start();
    let mut third = rig.daemon(3).start();
    let status = second.wait_for("a master", |status| status["master_slot"].is_u64());
    let mut journal = Journal::new(&rig);
    let mut first = journal.start(&rig, 1);
    first.wait_for("a master", |status| status["role"] == "slave");
    third.wait_for("slot 1", |status| status["successor_slot"] == 1);
    let (master, other) = if status["master_slot"] == 2 {
        (second, third)
    } else {
        (third, second)
    };
    master.kill();
    let changed = journal.until(
        "role changed from=candidate to=master",
        "HEARTBEATD_TO",
        "master",
    );
    let took = journal.until("addresses taken over", "HEARTBEATD_SLOT", "1");
    let ended = first.terminate();
    drop(other);
    assert!(ended.log.is_empty(), "said elsewhere too: {}", ended.log);
    for (field, value) in [
        ("HEARTBEATD_CLUSTER", "lab"),
        ("HEARTBEATD_FROM", "candidate"),
        ("HEARTBEATD_SLOT", "1"),
        ("HEARTBEATD_EPOCH_SLOT", "1"),
        ("SYSLOG_IDENTIFIER", "heartbeatd"),
        ("PRIORITY", "6"),
    ] {
        assert_eq!(changed[field], value, "{field} of {changed:?}");
    }
    assert!(
        changed["MESSAGE"].contains(&changed["HEARTBEATD_REASON"]),
        "{changed:?}"
    );
    assert_eq!(
        changed["HEARTBEATD_EPOCH_ROUND"],
        took["HEARTBEATD_EPOCH_ROUND"]
    );
    let us = |field: &str| took[field].parse::<u64>().expect("a number");
    let (elected, announced) = (us("HEARTBEATD_ELECTED_US"), us("HEARTBEATD_ANNOUNCED_US"));
    assert!(0 < elected && elected <= announced, "{took:?}");
    documented(&[changed, took]);
}

/// Each of our fields stands in the docs.
fn documented(entries: &[Entry]) {
    let docs = include_str!("../../../docs/metrics.md");
    let ours = entries
        .iter()
        .flat_map(BTreeMap::keys)
        .filter(|it| it.starts_with("HEARTBEATD_"));
    for field in ours {
        assert!(
            docs.contains(&format!("`{field}`")),
            "{field} is not in the docs"
        );
    }
}
