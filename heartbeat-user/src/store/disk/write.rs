//! What a write makes of the file, and of what is known of it in memory.

use heartbeat_store::{Batch, Change, DiskWrite, Entry, Key, Rest, State, Stored};
use redb::{ReadableTable as _, WriteTransaction};
use serde::Serialize;

use super::{ASIDE, ENTRIES, FACTS, PROMISED, REST};

/// Makes a write in a transaction, and in memory.
pub(super) fn carry_out(
    transaction: &WriteTransaction,
    write: &DiskWrite,
    stored: &mut Stored,
) -> Result<(), redb::Error> {
    match write {
        DiskWrite::Promise(reign) => {
            stored.promised = *reign;
            set(transaction, PROMISED, reign)
        }
        DiskWrite::Batches { batches, noted } => {
            stored.noted.clone_from(noted);
            for batch in batches {
                stored.state.apply(batch);
            }
            put_changed(transaction, batches, &stored.state)?;
            set(transaction, REST, &rest_of(stored))
        }
        DiskWrite::Part { is_first, entries } => {
            if *is_first {
                transaction.delete_table(ASIDE)?;
            }
            let mut aside = transaction.open_table(ASIDE)?;
            for (key, entry) in entries {
                aside.insert(key.as_str(), &*encoded(entry))?;
            }
            Ok(())
        }
        DiskWrite::Replace(rest) => replace(transaction, rest, stored),
    }
}

/// The entries that batches touched, as they are after all of them.
fn put_changed(
    transaction: &WriteTransaction,
    batches: &[Batch],
    state: &State,
) -> Result<(), redb::Error> {
    let mut entries = transaction.open_table(ENTRIES)?;
    for change in batches.iter().flat_map(|batch| &batch.changes) {
        let (Change::Put { key, .. } | Change::Delete { key }) = change else {
            continue;
        };
        match state.entries().get(key) {
            Some(entry) => drop(entries.insert(key.as_str(), &*encoded(entry))?),
            None => drop(entries.remove(key.as_str())?),
        }
    }
    Ok(())
}

fn replace(
    transaction: &WriteTransaction,
    rest: &Rest,
    stored: &mut Stored,
) -> Result<(), redb::Error> {
    transaction.delete_table(ENTRIES)?;
    // An empty state comes without parts.
    drop(transaction.open_table(ASIDE)?);
    transaction.rename_table(ASIDE, ENTRIES)?;
    set(transaction, REST, rest)?;
    let table = transaction.open_table(ENTRIES)?;
    let mut entries = Vec::new();
    for item in table.iter()? {
        let (key, entry) = item?;
        let decoded = decoded_entry(key.value(), entry.value());
        let damaged = || redb::Error::Corrupted(format!("entry {:?}", key.value()));
        entries.push(decoded.ok_or_else(damaged)?);
    }
    stored.state = State::new(
        rest.stamp,
        rest.holders.clone(),
        rest.lineage.clone(),
        entries.into_iter().collect(),
    );
    stored.noted.clone_from(&rest.noted);
    Ok(())
}

pub(super) fn rest_of(stored: &Stored) -> Rest {
    Rest {
        stamp: stored.state.stamp,
        holders: stored.state.holders.clone(),
        lineage: stored.state.lineage.clone(),
        noted: stored.noted.clone(),
    }
}

pub(super) fn set(
    transaction: &WriteTransaction,
    name: &str,
    fact: &impl Serialize,
) -> Result<(), redb::Error> {
    let mut facts = transaction.open_table(FACTS)?;
    facts.insert(name, &*encoded(fact))?;
    Ok(())
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("what is stored has no part that cannot be written")
}

pub(super) fn decoded_entry(key: &str, bytes: &[u8]) -> Option<(Key, Entry)> {
    Some((Key::new(key).ok()?, postcard::from_bytes(bytes).ok()?))
}
