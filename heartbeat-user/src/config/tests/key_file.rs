//! Which key files are refused.

use super::{GOOD, KEY, folder};
use crate::config::{keys, load};

#[test]
fn a_key_file_open_to_others_is_refused_and_cured() {
    let folder = folder(GOOD, KEY, 0o640);
    let report = load(&folder.path().join("heartbeatd.toml"))
        .expect_err("its group may read it")
        .to_string();
    assert!(report.contains("has mode 0640"), "{report}");
    assert!(report.contains("chmod 0600"), "{report}");
    assert!(report.contains("heartbeatd.toml:5:12"), "{report}");
}

#[test]
fn a_key_file_is_one_or_two_lines_of_64_digits() {
    for (text, expected) in [
        ("", "has 0 keys"),
        (&*KEY.repeat(3), "has 3 keys"),
        (
            &KEY[2..],
            "line 1: 62 characters, of which 0 are no hexadecimal digits",
        ),
        (&KEY.replace('a', "g"), "line 1: 64 characters, of which 4"),
        (&format!("# newest\n{KEY}"), "line 1: 8 characters"),
        (&"0".repeat(2000), "longer than 1024 bytes"),
    ] {
        let folder = folder(GOOD, text, 0o600);
        let error = keys::read(&folder.path().join("cluster.key")).expect_err(text);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            !error.to_string().contains("00112233"),
            "the secret is not shown: {error}"
        );
    }
    let folder = folder(GOOD, &format!("{KEY}\r\n{}", KEY.replace('0', "f")), 0o400);
    let keys = keys::read(&folder.path().join("cluster.key")).expect("two keys, blanks ignored");
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0].heartbeat(), keys[1].heartbeat());
    assert_ne!(keys[0].control(), keys[1].control());
    assert_eq!(format!("{:?}", keys[0]), "ClusterKey(secret)");
}

#[test]
fn a_pipe_for_a_key_file_is_refused_without_waiting() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pipe = folder.path().join("cluster.key");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).expect("made");
    let error = keys::read(&pipe).expect_err("no file");
    assert!(error.to_string().contains("is no regular file"), "{error}");
}
