//! Interfaces that come late: the daemon waits, says so, and starts by itself.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::rig::{Rig, Running};

/// What an operator is told while the daemon waits, and with which exit code.
fn told(daemon: &Running) -> (Option<i32>, String) {
    let asked = Instant::now();
    let output = daemon.ask(&["status"]);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "status must not hang"
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// Starts a daemon that must wait for `what`, and looks that it says so everywhere.
fn waits_for(rig: &Rig, what: &str) -> Running {
    let daemon = rig.daemon(1).start();
    daemon.wait_for_line(&format!("waiting for interface {what}"));
    let (code, said) = told(&daemon);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("heartbeatd is waiting for interface {what}")),
        "{said}"
    );
    for command in ["explain", "switchover"] {
        assert_eq!(daemon.ask(&[command]).status.code(), Some(1), "{command}");
    }
    for command in ["history", "maps"] {
        assert_eq!(daemon.ask(&[command]).status.code(), Some(0), "{command}");
    }
    daemon
}

fn starts_by_itself(mut daemon: Running) {
    daemon.wait_for("a responder", |status| {
        status["datapath"]["interface"] == "mgmt0"
    });
    assert!(
        daemon.log().contains("the interfaces are there and up"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.terminate().code, Some(0));
}

#[test]
fn an_interface_that_is_down_is_waited_for() {
    let Some(rig) = Rig::new("an_interface_that_is_down") else {
        return;
    };
    rig.ip(1, "link set mgmt0 down");
    let daemon = waits_for(
        &rig,
        "mgmt0, which is down (`ip link set dev mgmt0 up` brings it up)",
    );
    rig.ip(1, "link set mgmt0 up");
    starts_by_itself(daemon);
}

#[test]
fn an_interface_that_is_missing_is_waited_for_and_so_is_its_address() {
    let Some(rig) = Rig::new("an_interface_that_is_missing") else {
        return;
    };
    rig.ip(1, "link set biz0 down");
    rig.ip(1, "link set biz0 name other0");
    let daemon = waits_for(&rig, "biz0, which is missing");
    rig.ip(1, "addr flush dev other0");
    rig.ip(1, "link set other0 name biz0");
    rig.ip(1, "link set biz0 up");
    daemon.wait_for_line("waiting for interface biz0 to have the address 203.0.113.1");
    rig.ip(1, "addr add 203.0.113.1/24 dev biz0");
    starts_by_itself(daemon);
}

#[test]
fn a_daemon_that_waits_is_ended_at_once_and_in_order() {
    let Some(rig) = Rig::new("a_daemon_that_waits_is_ended") else {
        return;
    };
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        rig.ip(1, "link set mgmt0 down");
        let daemon = waits_for(&rig, "mgmt0");
        let asked = Instant::now();
        daemon.signal(signal);
        let ended = daemon.ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert!(ended.log.contains("stopped while waiting"), "{ended:?}");
        assert!(!rig.path("n1.sock").exists(), "its socket is gone");
    }
}
