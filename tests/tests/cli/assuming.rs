//! heartbeatd's second life: it becomes a user, and then the program that is to be run as that user.

use std::os::unix::process::CommandExt as _;

use heartbeat_tests::skip::{Need, lacks};

use super::{Nobody, Ran, command};

/// Runs heartbeatd under that name with these arguments.
fn assume(arguments: &[&str]) -> Ran {
    let mut heartbeatd = command("heartbeatd");
    heartbeatd.arg0("heartbeatd-assume").args(arguments);
    heartbeatd.output().expect("it can be started").into()
}

#[test]
fn the_program_is_run_as_the_user_with_that_user_s_groups_alone() {
    let needs = [Need::Root, Need::Program("heartbeatd")];
    if lacks("run_as_the_user", &needs) {
        return;
    }
    let id = Nobody::ID.to_string();
    let line = "id -u; id -g; id -G";
    let ran = assume(&["nobody", &id, &id, "/bin/sh", "-c", line]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
    assert_eq!(ran.out, format!("{id}\n{id}\n{id}\n"));
}

#[test]
fn what_cannot_be_run_exits_with_126_and_nothing_is_run_as_root_instead() {
    let needs = [Need::Root, Need::Program("heartbeatd")];
    if lacks("cannot_be_run_as_the_user", &needs) {
        return;
    }
    for arguments in [
        &["nobody", "65534", "65534", "/nowhere/at-all"][..],
        &["nobody", "x", "65534", "/bin/echo", "ran"],
        &["nobody", "65534"],
        &[],
    ] {
        let ran = assume(arguments);
        assert_eq!((ran.code, &*ran.out), (Some(126), ""), "{ran:?}");
        assert!(ran.err.starts_with("heartbeatd-assume: "), "{ran:?}");
    }
}
