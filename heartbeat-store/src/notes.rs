//! What stores were seen to have: never less than before.

use std::collections::btree_map;

use heartbeat_core::Slot;

use crate::disk::{Note, Notes};

/// Adds what was seen. Of one store the newest counts; another store in its slot takes its place.
pub(crate) fn add(notes: &mut Notes, slot: Slot, seen: Note) {
    match notes.entry(slot) {
        btree_map::Entry::Vacant(place) => {
            place.insert(seen);
        }
        btree_map::Entry::Occupied(mut place) => {
            let note = place.get_mut();
            if note.store != seen.store || note.stamp < seen.stamp {
                *note = seen;
            }
        }
    }
}

/// Adds all that others saw.
pub(crate) fn add_all(notes: &mut Notes, seen: &Notes) {
    for (slot, note) in seen {
        add(notes, *slot, *note);
    }
}

/// What the store there was seen to have, if that is more than it has.
pub(crate) fn beyond(notes: &Notes, slot: Slot, has: Note) -> Option<Note> {
    let note = notes.get(&slot).copied();
    note.filter(|note| note.store == has.store && note.stamp > has.stamp)
}
