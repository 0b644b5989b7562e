//! Keys are made once, for their owner alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heartbeat_tests::skip::{Need, lacks};

use crate::{Nobody, Ran, is_built, run};

fn keygen(path: &Path) -> Ran {
    run(
        "heartbeatctl",
        &["keygen", "--out", path.to_str().expect("plain")],
    )
}

#[test]
fn a_new_key_is_64_digits_for_its_owner_alone_and_no_two_are_alike() {
    if !is_built("a_new_key", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [first, second] = ["etc/first.key", "etc/second.key"].map(|name| folder.path().join(name));
    for path in [&first, &second] {
        let ran = keygen(path);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains("copy it to"), "{ran:?}");
        let mode = fs::metadata(path).expect("made").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let text = fs::read_to_string(path).expect("text");
        let digits = text.strip_suffix('\n').expect("a whole line");
        assert_eq!(digits.len(), 64);
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{digits}"
        );
        assert!(!ran.out.contains(digits), "the secret is not shown");
        let keys = heartbeat_user::config::keys::read(path).expect("the daemon takes it");
        assert_eq!(keys.len(), 1);
    }
    let text = |path| fs::read_to_string(path).expect("text");
    assert_ne!(text(&first), text(&second));
}

#[test]
fn an_existing_file_is_never_touched() {
    if !is_built("an_existing_file", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cluster.key");
    fs::write(&path, "precious").expect("written");
    let ran = keygen(&path);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("exists and is not touched"), "{ran:?}");
    assert!(ran.err.contains("above the old one"), "the cure: {ran:?}");
    assert_eq!(fs::read(&path).expect("still there"), b"precious");
}

#[test]
fn a_folder_of_another_user_exits_with_77() {
    if lacks(
        "a_folder_of_another_user",
        &[Need::Root, Need::Program("heartbeatctl")],
    ) {
        return;
    }
    let nobody = Nobody::new();
    let path = nobody.path("cluster.key");
    let ran = nobody.run(
        "heartbeatctl",
        &["keygen", "--out", path.to_str().expect("plain")],
    );
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert!(!path.exists());
}
