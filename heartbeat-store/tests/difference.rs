//! What a state had that the one in its place has not.

use bytes::Bytes;
use heartbeat_core::{Epoch, Instant};
use heartbeat_store::bounds::NAMED_KEYS;
use heartbeat_store::{Batch, Change, Difference, Key, Reign, State};

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn put(text: &str, value: &'static str) -> Change {
    Change::Put {
        key: key(text),
        value: Bytes::from_static(value.as_bytes()),
    }
}

fn delete(text: &str) -> Change {
    Change::Delete { key: key(text) }
}

/// The state after these changes under an epoch of that round; taken over first, if another one wrote it.
fn after(state: &State, round: u64, changes: Vec<Change>) -> State {
    let reign = Reign::new(Epoch::new(round, 1), Instant(0));
    let mut next = state.clone();
    if state.stamp.reign != reign {
        next.apply(&Batch::new(next.stamp, reign, Vec::new()));
    }
    if !changes.is_empty() {
        next.apply(&Batch::new(next.stamp, reign, changes));
    }
    next
}

/// Three entries, written in round 1.
fn common() -> State {
    let start = after(&State::default(), 1, vec![put("a", "1")]);
    after(&start, 1, vec![put("b", "1"), put("c", "1")])
}

#[test]
fn a_state_that_only_lags_differs_in_nothing() {
    let common = common();
    let later = after(&common, 2, vec![put("a", "2"), delete("b"), put("d", "1")]);
    assert_eq!(Difference::between(&common, &later), None);
    assert_eq!(
        Difference::between(&after(&common, 2, Vec::new()), &later),
        None
    );
    assert_eq!(
        Difference::between(&State::default(), &later),
        None,
        "a new store had nothing"
    );
}

#[test]
fn what_was_written_after_the_two_parted_is_named_in_both_directions() {
    let common = common();
    let old = after(
        &common,
        1,
        vec![put("a", "old"), delete("b"), put("old", "1")],
    );
    let new = after(
        &common,
        2,
        vec![put("a", "new"), delete("c"), put("new", "1")],
    );
    let difference = Difference::between(&old, &new).expect("they parted");
    assert_eq!(difference.parted_at, Some(3));
    assert_eq!(
        difference.only_old.named,
        [key("old")],
        "c was deleted in the new one, and is no loss"
    );
    assert_eq!(difference.changed.named, [key("a")]);
    assert_eq!(difference.only_new.named, [key("b"), key("new")]);
}

#[test]
fn a_state_that_another_epoch_took_over_and_wrote_to_parted_where_it_was_taken_over() {
    let common = common();
    let tail = after(&common, 2, vec![put("x", "1")]);
    let old = after(&tail, 3, vec![put("y", "1")]);
    let new = after(&common, 4, vec![put("z", "1")]);
    let difference = Difference::between(&old, &new).expect("they parted");
    assert_eq!(difference.parted_at, Some(3));
    assert_eq!(difference.only_old.named, [key("x"), key("y")]);
}

#[test]
fn many_keys_are_counted_and_the_first_ones_named() {
    let common = common();
    let many = (0..100)
        .map(|number| put(&format!("{number:03}"), "1"))
        .collect();
    let old = after(&common, 1, many);
    let new = after(&common, 2, Vec::new());
    let difference = Difference::between(&old, &new).expect("they parted");
    assert_eq!(difference.only_old.count, 100);
    assert_eq!(difference.only_old.named.len(), NAMED_KEYS);
}
