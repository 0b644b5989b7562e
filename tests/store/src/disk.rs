//! A disk that does what a store asks for, and loses what it did not finish.

use std::collections::BTreeMap;

use heartbeat_store::{DiskWrite, Entry, Key, State, Stored};

/// What is on a disk for good, and what was laid aside on it.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Disk {
    pub(crate) stored: Stored,
    aside: BTreeMap<Key, Entry>,
}

impl Disk {
    pub(crate) const fn new(stored: Stored) -> Self {
        Self {
            stored,
            aside: BTreeMap::new(),
        }
    }

    /// Writes, whole.
    pub(crate) fn write(&mut self, write: DiskWrite) {
        match write {
            DiskWrite::Promise(reign) => self.stored.promised = reign,
            DiskWrite::Batches { batches, noted } => {
                for batch in &batches {
                    self.stored.state.apply(batch);
                }
                self.stored.noted = noted;
            }
            DiskWrite::Part { is_first, entries } => {
                if is_first {
                    self.aside.clear();
                }
                self.aside.extend(entries);
            }
            DiskWrite::Replace(rest) => {
                let entries = std::mem::take(&mut self.aside);
                self.stored.state = State::new(rest.stamp, rest.holders, rest.lineage, entries);
                self.stored.noted = rest.noted;
            }
        }
    }
}
