//! A whole state, in parts that fit a message each.

use crate::bounds::BATCH_WEIGHT;
use crate::disk::{Notes, Rest};
use crate::key::Key;
use crate::state::{Entry, State};

/// The entries behind a key, as many as one message holds.
pub(crate) fn entries_after(state: &State, after: Option<&Key>) -> Vec<(Key, Entry)> {
    let mut weight = 0;
    let fits = |(key, entry): &(&Key, &Entry)| {
        let is_first = weight == 0;
        weight += entry.weight(key);
        is_first || weight <= BATCH_WEIGHT
    };
    let entries = state.entries_after(after).take_while(fits);
    entries
        .map(|(key, entry)| (key.clone(), entry.clone()))
        .collect()
}

/// The last key of all.
pub(crate) fn last_key(state: &State) -> Option<&Key> {
    state.entries().keys().next_back()
}

/// What a state is beside its entries.
pub(crate) fn rest_of(state: &State, noted: &Notes) -> Rest {
    Rest {
        stamp: state.stamp,
        holders: state.holders.clone(),
        lineage: state.lineage.clone(),
        noted: noted.clone(),
    }
}

/// The state that parts and their rest make.
pub(crate) fn joined(entries: Vec<(Key, Entry)>, rest: Rest) -> State {
    State::new(
        rest.stamp,
        rest.holders,
        rest.lineage,
        entries.into_iter().collect(),
    )
}
