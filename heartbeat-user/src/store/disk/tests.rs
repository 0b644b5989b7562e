//! What the file holds is what was written, in every later life.

use std::path::Path;

use bytes::Bytes;
use heartbeat_core::{Epoch, Instant};
use heartbeat_store::{Batch, Change, DiskWrite, Key, Note, Notes, Reign, Stamp, StoreId};

use super::Disk;
use super::write::rest_of;

fn reign(round: u64) -> Reign {
    Reign::new(Epoch::new(round, 1), Instant(round))
}

fn put(key: &str, value: &str) -> Change {
    Change::Put {
        key: Key::new(key).unwrap(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

fn delete(key: &str) -> Change {
    Change::Delete {
        key: Key::new(key).unwrap(),
    }
}

/// Changes under a leadership, from where the disk stands.
fn batches(disk: &Disk, round: u64, changes: Vec<Change>) -> DiskWrite {
    let from = disk.stored().state.stamp;
    DiskWrite::Batches {
        batches: vec![Batch::new(from, reign(round), changes)],
        noted: Notes::from([(
            2,
            Note {
                store: StoreId([7; 16]),
                stamp: from,
            },
        )]),
    }
}

fn again(disk: Disk, path: &Path) -> Disk {
    let stored = disk.stored().clone();
    drop(disk);
    let again = Disk::open(path).unwrap();
    assert_eq!(*again.stored(), stored, "memory and disk differ");
    again
}

#[test]
fn what_was_written_is_there_in_the_next_life() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("info.redb");
    let mut disk = Disk::open(&path).unwrap();
    let identity = disk.stored().store;
    assert_eq!(disk.stored().state.stamp, Stamp::NONE);
    disk.write(&DiskWrite::Promise(reign(3))).unwrap();
    disk.write(&batches(
        &disk,
        3,
        vec![put("a", "1"), put("b", "2"), put("a", "3")],
    ))
    .unwrap();
    disk.write(&batches(&disk, 4, vec![delete("b"), put("c", "4")]))
        .unwrap();
    let disk = again(disk, &path);
    let stored = disk.stored();
    assert_eq!((stored.store, stored.promised), (identity, reign(3)));
    assert_eq!(stored.state.stamp.revision, 5);
    let keys: Vec<_> = stored.state.entries().keys().map(Key::as_str).collect();
    assert_eq!(keys, ["a", "c"]);
    let a = &stored.state.entries()["a"];
    assert_eq!(
        (&*a.value, a.version, a.created.revision, a.changed.revision),
        (&b"3"[..], 2, 1, 3)
    );
    assert_eq!(stored.noted.len(), 1);
}

#[test]
fn two_stores_are_never_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = |name: &str| {
        Disk::open(&folder.path().join(name))
            .unwrap()
            .stored()
            .store
    };
    assert_ne!(store("a"), store("b"));
}

#[test]
fn a_state_that_comes_in_parts_takes_the_old_ones_place_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("info.redb");
    let mut source = Disk::open(&folder.path().join("source")).unwrap();
    source
        .write(&batches(
            &source,
            9,
            vec![put("a", "new"), put("b", "new"), put("c", "new")],
        ))
        .unwrap();
    let mut disk = Disk::open(&path).unwrap();
    disk.write(&batches(&disk, 2, vec![put("a", "old"), put("z", "old")]))
        .unwrap();
    let entries: Vec<_> = source
        .stored()
        .state
        .entries()
        .clone()
        .into_iter()
        .collect();
    let part = |is_first, range: std::ops::Range<usize>| DiskWrite::Part {
        is_first,
        entries: entries[range].to_vec(),
    };
    // One that broke off leaves nothing behind.
    disk.write(&part(true, 2..3)).unwrap();
    let mut disk = again(disk, &path);
    disk.write(&part(true, 0..1)).unwrap();
    disk.write(&part(false, 1..3)).unwrap();
    assert_eq!(disk.stored().state.entries().len(), 2, "still the old one");
    let rest = rest_of(source.stored());
    disk.write(&DiskWrite::Replace(rest)).unwrap();
    let disk = again(disk, &path);
    assert_eq!(disk.stored().state, source.stored().state);
}

#[test]
fn a_file_of_something_else_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("info.redb");
    std::fs::write(&path, [7; 4096]).unwrap();
    let error = Disk::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("info.redb") && error.contains("move it away"),
        "{error}"
    );
}

#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("info.redb");
    let _disk = Disk::open(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
