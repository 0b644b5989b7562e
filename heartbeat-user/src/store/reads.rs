//! What clients read.

use heartbeat_store::{Change, Entry, Key, State, Store};

use super::backup::shown;
use crate::control::{InfoAnswer, InfoChange, PAGE, PAGE_BYTES, Value};

/// One entry.
pub(super) fn get(state: &State, key: &str) -> InfoAnswer {
    let entry = state.entries().get_key_value(key);
    InfoAnswer::Entry(entry.map(|(key, entry)| shown(key, entry)))
}

/// Some entries, in the keys' order.
pub(super) fn list(state: &State, prefix: &str, after: Option<&str>) -> InfoAnswer {
    let after = match after.map(Key::new).transpose() {
        Ok(after) => after,
        Err(error) => return InfoAnswer::Refused(error.to_string()),
    };
    let mut found = state.list(prefix, after.as_ref()).peekable();
    let mut room = Room::default();
    let mut entries = Vec::new();
    while let Some((key, entry)) =
        found.next_if(|(key, entry)| room.takes(length(key, Some(entry))))
    {
        entries.push(shown(key, entry));
    }
    InfoAnswer::Entries {
        more: found.peek().is_some(),
        revision: state.stamp.revision,
        entries,
    }
}

/// The changes after a revision of which the keys begin so; `None`: there are none yet.
pub(super) fn changes(store: &Store, prefix: &str, since: u64) -> Option<InfoAnswer> {
    let served = store.served()?.stamp.revision;
    let Ok(all) = store.changes_since(since)? else {
        return Some(InfoAnswer::Compacted);
    };
    let (mut room, mut changes, mut revision) = (Room::default(), Vec::new(), served);
    for (stamp, change) in all {
        let (key, value) = match change {
            Change::Put { key, value } => (key, Some(Value(value.clone()))),
            Change::Delete { key } => (key, None),
            Change::Admit { .. } | Change::Dismiss { .. } => continue,
        };
        if !key.as_str().starts_with(prefix) {
            continue;
        }
        let bytes = key.as_str().len() + value.as_ref().map_or(0, |value| value.0.len());
        if !room.takes(bytes) {
            break;
        }
        revision = stamp.revision;
        changes.push(InfoChange {
            key: key.as_str().to_owned(),
            value,
            revision,
        });
    }
    // The rest comes with the next question.
    if !room.is_full {
        revision = served;
    }
    (!changes.is_empty()).then_some(InfoAnswer::Changes { changes, revision })
}

fn length(key: &Key, entry: Option<&Entry>) -> usize {
    key.as_str().len() + entry.map_or(0, |entry| entry.value.len())
}

/// Room in one answer.
#[derive(Default)]
struct Room {
    taken: usize,
    bytes: usize,
    is_full: bool,
}

impl Room {
    /// Whether one more has room; the first always has.
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = self.taken < PAGE && self.bytes + bytes <= PAGE_BYTES;
        if self.taken > 0 && !fits {
            self.is_full = true;
            return false;
        }
        self.taken += 1;
        self.bytes += bytes;
        true
    }
}
