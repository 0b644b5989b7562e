//! One node alone: what its clients are told.

use std::collections::BTreeMap;

use bytes::Bytes;
use heartbeat_core::{Epoch, Instant};
use heartbeat_store::bounds::{KEY_BYTES, QUEUED_WRITES, VALUE_BYTES};
use heartbeat_store::{
    Author, Change, Compacted, Expect, Key, KeyError, Outcome, Output, Refusal, Revision, State,
    Store, StoreId, Stored, Write,
};
use proptest::prelude::*;

const NOW: Instant = Instant(1);

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn put(text: &str, value: &str, expect: Expect) -> Write {
    Write {
        author: Author::User,
        key: key(text),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        expect,
    }
}

fn delete(text: &str, expect: Expect) -> Write {
    Write {
        value: None,
        ..put(text, "", expect)
    }
}

/// Lets the disk work until nothing is left to do; what came out for clients.
fn settle(store: &mut Store) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(output) = store.poll_output() {
        match output {
            Output::Disk { id, .. } => store.written(id, NOW),
            Output::Outcome { outcome, .. } => outcomes.push(outcome),
            Output::Send { .. } => panic!("there is nobody else"),
            Output::Event(_) => {}
        }
    }
    outcomes
}

/// A node that is its only elector, and serves. Its first change is that its store counts.
fn serving() -> Store {
    let mut store = Store::new(1, Stored::new(StoreId([1; 16])));
    store.lead(Epoch::new(1, 1), [1].into(), NOW);
    settle(&mut store);
    assert!(store.served().is_some());
    store
}

/// What becomes of one write.
fn outcome(store: &mut Store, write: Write) -> Outcome {
    store.write(1, write, NOW);
    settle(store).pop().expect("it was told")
}

const fn done(revision: Revision) -> Outcome {
    Outcome::Done {
        revision,
        copies: 1,
    }
}

#[test]
fn a_key_is_1_to_512_bytes_without_control_characters() {
    assert_eq!(Key::new(""), Err(KeyError::Empty));
    assert_eq!(Key::new("a\nb"), Err(KeyError::Control('\n')));
    assert!(Key::new(&"k".repeat(KEY_BYTES)).is_ok());
    assert_eq!(
        Key::new(&"k".repeat(KEY_BYTES + 1)),
        Err(KeyError::TooLong(KEY_BYTES + 1))
    );
}

#[test]
fn a_write_is_made_only_if_the_entry_is_as_it_was_expected() {
    let mut store = serving();
    assert_eq!(outcome(&mut store, put("a", "1", Expect::Nothing)), done(2));
    let conflict = |revision| Outcome::Conflict { revision };
    assert_eq!(
        outcome(&mut store, put("a", "2", Expect::Nothing)),
        conflict(Some(2))
    );
    assert_eq!(
        outcome(&mut store, put("a", "2", Expect::Revision(1))),
        conflict(Some(2))
    );
    assert_eq!(
        outcome(&mut store, put("a", "2", Expect::Revision(2))),
        done(3)
    );
    assert_eq!(
        outcome(&mut store, delete("a", Expect::Revision(2))),
        conflict(Some(3))
    );
    assert_eq!(
        outcome(&mut store, delete("a", Expect::Revision(3))),
        done(4)
    );
    assert_eq!(
        outcome(&mut store, put("a", "3", Expect::Revision(4))),
        conflict(None)
    );
    assert_eq!(
        outcome(&mut store, delete("a", Expect::Anything)),
        conflict(None),
        "there is none"
    );
}

#[test]
fn writes_that_go_together_see_each_other() {
    let mut store = serving();
    store.write(1, put("a", "1", Expect::Nothing), NOW);
    store.write(2, put("b", "1", Expect::Nothing), NOW);
    store.write(3, put("b", "2", Expect::Revision(3)), NOW);
    store.write(4, put("b", "3", Expect::Revision(3)), NOW);
    let conflict = Outcome::Conflict { revision: Some(4) };
    assert_eq!(settle(&mut store), [done(2), done(3), done(4), conflict]);
}

#[test]
fn what_cannot_be_written_is_refused_with_its_reason() {
    let mut store = serving();
    let own = put("heartbeatd/x", "1", Expect::Anything);
    assert_eq!(
        outcome(&mut store, own.clone()),
        Outcome::Refused(Refusal::OwnKey)
    );
    let by_product = Write {
        author: Author::Product,
        ..own
    };
    assert_eq!(outcome(&mut store, by_product), done(2));
    let long = "v".repeat(VALUE_BYTES + 1);
    let refused = Outcome::Refused(Refusal::ValueTooLong(long.len()));
    assert_eq!(
        outcome(&mut store, put("a", &long, Expect::Anything)),
        refused
    );
}

#[test]
fn the_store_is_full_at_64_mib_and_takes_writes_again_once_something_was_deleted() {
    let mut store = serving();
    let long = "v".repeat(VALUE_BYTES - 8);
    for number in 0..64 {
        let written = outcome(
            &mut store,
            put(&format!("key {number:04}"), &long, Expect::Nothing),
        );
        assert!(
            matches!(written, Outcome::Done { .. }),
            "{number}: {written:?}"
        );
    }
    let one_more = || put("one more", "v", Expect::Anything);
    assert_eq!(
        outcome(&mut store, one_more()),
        Outcome::Refused(Refusal::NoRoom)
    );
    assert!(matches!(
        outcome(&mut store, delete("key 0001", Expect::Anything)),
        Outcome::Done { .. }
    ));
    assert!(matches!(
        outcome(&mut store, one_more()),
        Outcome::Done { .. }
    ));
}

#[test]
fn more_writes_than_may_wait_are_refused_as_busy() {
    let mut store = serving();
    for number in 0..=QUEUED_WRITES as u64 + 1 {
        store.write(number, put("a", "1", Expect::Anything), NOW);
    }
    let outcomes = settle(&mut store);
    let busy = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Refused(Refusal::Busy));
    assert_eq!(busy.count(), 1, "one is on its way, and so many wait");
    assert_eq!(outcomes.len(), QUEUED_WRITES + 2);
}

#[test]
fn a_node_that_leads_nothing_serves_nothing() {
    let mut store = serving();
    store.write(1, put("a", "1", Expect::Anything), NOW);
    store.write(2, put("b", "1", Expect::Anything), NOW);
    store.stop();
    let refused = Outcome::Refused(Refusal::NotServing);
    assert_eq!(
        settle(&mut store),
        [Outcome::Unknown, refused.clone()],
        "one was on its way, one waited"
    );
    assert_eq!(
        outcome(&mut store, put("c", "1", Expect::Anything)),
        refused
    );
    assert!(store.served().is_none());
}

#[test]
fn a_client_that_watches_sees_each_change_once_and_is_told_when_it_asks_too_far_back() {
    let mut store = serving();
    for value in ["1", "2", "3"] {
        outcome(&mut store, put("a", value, Expect::Anything));
    }
    let revisions = |store: &Store, since| -> Result<Vec<Revision>, Compacted> {
        let changes = store.changes_since(since).expect("it serves")?;
        Ok(changes.map(|(stamp, _)| stamp.revision).collect())
    };
    assert_eq!(revisions(&store, 2), Ok(vec![3, 4]));
    assert_eq!(revisions(&store, 4), Ok(vec![]));
    let stored = store.stored().clone();
    let mut again = Store::new(1, stored);
    again.lead(Epoch::new(2, 1), [1].into(), NOW);
    settle(&mut again);
    outcome(&mut again, put("a", "4", Expect::Anything));
    assert_eq!(revisions(&again, 4), Ok(vec![5]));
    assert_eq!(revisions(&again, 3), Err(Compacted { since: 3 }));
}

#[test]
fn a_list_has_the_keys_with_a_prefix_behind_another_one() {
    let mut store = serving();
    for text in ["a", "b/1", "b/2", "b/3", "c"] {
        outcome(&mut store, put(text, "1", Expect::Anything));
    }
    let listed = |prefix, after: Option<&Key>| -> Vec<String> {
        let entries = store.list(prefix, after).expect("it serves");
        entries.map(|(key, _)| key.to_string()).collect()
    };
    assert_eq!(listed("b/", None), ["b/1", "b/2", "b/3"]);
    assert_eq!(listed("b/", Some(&key("b/1"))), ["b/2", "b/3"]);
    assert_eq!(listed("", Some(&key("b/3"))), ["c"]);
    assert!(listed("d", None).is_empty());
}

/// Some write of few keys.
fn any_write() -> impl Strategy<Value = Write> {
    let expect = prop_oneof![
        3 => Just(Expect::Anything),
        1 => Just(Expect::Nothing),
        2 => (1..12_u64).prop_map(Expect::Revision),
    ];
    let value = prop::option::weighted(0.7, "[xyz]{0,9}");
    ("[abc]", value, expect).prop_map(|(text, value, expect)| Write {
        author: Author::User,
        key: key(&text),
        value: value.map(Bytes::from),
        expect,
    })
}

/// What one write after the other would make of the entries: value, revision, version.
fn one_by_one(writes: &[Write]) -> BTreeMap<Key, (Bytes, Revision, u64)> {
    let mut entries: BTreeMap<Key, (Bytes, Revision, u64)> = BTreeMap::new();
    let mut revision = 1;
    for write in writes {
        let old = entries.get(&write.key).cloned();
        let at = old.as_ref().map(|(_, at, _)| *at);
        let is_expected = match write.expect {
            Expect::Anything => true,
            Expect::Nothing => at.is_none(),
            Expect::Revision(expected) => at == Some(expected),
        };
        match &write.value {
            Some(value) if is_expected => {
                revision += 1;
                let version = old.map_or(1, |(_, _, version)| version + 1);
                entries.insert(write.key.clone(), (value.clone(), revision, version));
            }
            None if is_expected && old.is_some() => {
                revision += 1;
                entries.remove(&write.key);
            }
            Some(_) | None => {}
        }
    }
    entries
}

fn served(state: &State) -> BTreeMap<Key, (Bytes, Revision, u64)> {
    let entries = state.entries().iter();
    let told = entries.map(|(key, entry)| {
        let told = (entry.value.clone(), entry.changed.revision, entry.version);
        (key.clone(), told)
    });
    told.collect()
}

proptest! {
    #[test]
    fn writes_that_go_together_do_what_they_would_one_by_one(writes in prop::collection::vec(any_write(), 0..40)) {
        let mut store = serving();
        for (id, write) in writes.iter().enumerate() {
            store.write(id as u64, write.clone(), NOW);
        }
        let told = settle(&mut store).len();
        let state = store.served().expect("it serves");
        prop_assert_eq!(told, writes.len());
        prop_assert_eq!(served(state), one_by_one(&writes));
        let bytes = state.entries().iter().map(|(key, entry)| key.as_str().len() + entry.value.len());
        prop_assert_eq!(state.bytes(), bytes.sum::<usize>() as u64);
        prop_assert_eq!(state, &store.stored().state);
        let changes = store.changes_since(1).expect("it serves").expect("all are kept");
        let is_clients = |change: &Change| matches!(change, Change::Put { .. } | Change::Delete { .. });
        prop_assert_eq!(changes.filter(|(_, change)| is_clients(change)).count() as u64, state.stamp.revision - 1);
    }
}
