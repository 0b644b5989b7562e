//! A daemon that is not there, or not for this user.

use std::os::unix::net::UnixListener;

use heartbeat_tests::skip::{Need, lacks};

use crate::{Nobody, is_built, run};

const ASKING: [&[&str]; 8] = [
    &["status"],
    &["status", "--json"],
    &["explain"],
    &["history"],
    &["maps"],
    &["tune"],
    &["switchover"],
    &["maintenance", "on"],
];

#[test]
fn without_a_daemon_every_question_exits_with_69_and_names_socket_and_cure() {
    if !is_built("without_a_daemon", "heartbeatctl") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dead = folder.path().join("dead.sock");
    drop(UnixListener::bind(&dead).expect("a socket that nobody serves"));
    for socket in [folder.path().join("none.sock"), dead] {
        let socket = socket.to_str().expect("plain");
        for command in ASKING {
            let ran = run("heartbeatctl", &[&["--control", socket], command].concat());
            assert_eq!(ran.code, Some(69), "{command:?}: {ran:?}");
            assert_eq!(ran.out, "", "{command:?}");
            for part in [
                "daemon unreachable",
                socket,
                "heartbeatd running",
                "--control",
            ] {
                assert!(ran.err.contains(part), "{part}: {ran:?}");
            }
        }
    }
}

#[test]
fn a_socket_of_another_user_exits_with_77() {
    if lacks(
        "a_socket_of_another_user",
        &[Need::Root, Need::Program("heartbeatctl")],
    ) {
        return;
    }
    let nobody = Nobody::new();
    let socket = nobody.path("control.sock");
    let _served = UnixListener::bind(&socket).expect("a socket");
    let ran = nobody.run(
        "heartbeatctl",
        &["--control", socket.to_str().expect("plain"), "status"],
    );
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert!(ran.err.contains("run as root"), "{ran:?}");
}
