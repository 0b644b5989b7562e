//! A record that cannot be replayed is refused with its cause and cure.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heartbeat_tests::replay::RECORDS;
use heartbeat_tests::skip::{Need, lacks};

use crate::{Nobody, is_built, run};

#[test]
fn what_cannot_be_replayed_exits_with_1_and_says_what_to_do() {
    if !is_built("what_cannot_be_replayed", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = fs::read(Path::new(RECORDS).join("n3.record")).expect("it is checked in");
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    for (name, bytes, words) in [
        ("text", &b"[cluster]\n"[..], "is no record of heartbeatd"),
        (
            "newer",
            b"heartbeatd record\n\x09\x00\x059.9.9",
            "use the heartbeatctl of that version",
        ),
        ("damaged", &damaged, "is damaged at byte"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("writable");
        let ran = run("heartbeatctl", &["replay", path.to_str().expect("plain")]);
        assert_eq!(ran.code, Some(1), "{name}: {ran:?}");
        assert!(ran.err.contains(words), "{name}: {ran:?}");
    }
    let path = folder.path().join("none");
    let ran = run("heartbeatctl", &["replay", path.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("cannot read") && ran.err.contains("none"),
        "{ran:?}"
    );
}

#[test]
fn a_record_that_is_cut_short_is_shown_to_there_and_says_so() {
    if !is_built("a_record_that_is_cut", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = fs::read(Path::new(RECORDS).join("n3.record")).expect("it is checked in");
    let path = folder.path().join("cut");
    fs::write(&path, &good[..good.len() - 3]).expect("writable");
    let ran = run("heartbeatctl", &["replay", path.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for words in [
        "heartbeatd starts in slot 3",
        "ends within an entry",
        "came out as recorded",
    ] {
        assert!(ran.out.contains(words), "{words}: {ran:?}");
    }
}

#[test]
fn who_may_not_read_it_is_told_so_by_the_exit_code() {
    if lacks(
        "who_may_not_read",
        &[Need::Root, Need::Program("heartbeatctl")],
    ) {
        return;
    }
    let nobody = Nobody::new();
    let path = nobody.path("record");
    fs::copy(Path::new(RECORDS).join("n3.record"), &path).expect("room for a copy");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("own file");
    let ran = nobody.run("heartbeatctl", &["replay", path.to_str().expect("plain")]);
    assert_eq!(ran.code, Some(77), "{ran:?}");
}
