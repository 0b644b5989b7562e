//! How daemons end: in order, at once, and what they leave behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aya::maps::{Array, Map, MapData};
use heartbeat_tests::lab::classifiers::classifiers;
use heartbeat_tests::paths::program;
use heartbeat_wire::frame::SEQUENCE_LIMIT;
use heartbeat_wire::maps::{Control, LAYOUT, name};
use nix::sys::signal::Signal;

use crate::rig::{Rig, until};

/// What a daemon put on the node's interfaces: programs, addresses, the membership.
fn remains(rig: &Rig, slot: u16) -> String {
    let mut found = attached(rig, slot);
    if rig.ip(slot, "-o link show mgmt0").contains("xdp") {
        found = found.replace("gates", "gates xdp");
    }
    found
}

/// As [`remains`], without the responder's place, where somebody else's program may be.
pub(crate) fn attached(rig: &Rig, slot: u16) -> String {
    let node = rig.lab().topology().node(slot);
    let gates = node.run(|| {
        let places = ["lo", "mgmt0", "biz0"].map(classifiers);
        places.map(|there| there.len()).into_iter().sum::<usize>()
    });
    let gates = gates.expect("the namespace can be entered");
    let mut found = vec![format!("{gates} gates")];
    let addresses = rig.ip(slot, "-o -4 addr");
    let ours = ["203.0.113.100", "239.192.7.1"];
    found.extend(
        ours.into_iter()
            .filter(|it| addresses.contains(it))
            .map(str::to_owned),
    );
    found.join(" ")
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_slave_and_a_master_that_are_told_to_stop_leave_nothing_but_their_promises() {
    let Some(rig) = Rig::new("a_slave_and_a_master") else {
        return;
    };
    let mut all = rig.cluster();
    let (slave, master) = (all.pop().expect("three"), all.remove(0));
    for slot in [1, 3] {
        let address = if slot == 1 { " 203.0.113.100" } else { "" };
        let before = format!("6 gates xdp{address} 239.192.7.1");
        assert_eq!(remains(&rig, slot), before);
    }
    let ended = slave.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = master.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.log.contains("told to stop: handing over in order"),
        "{ended:?}"
    );
    assert!(ended.log.contains("from=\"master\" to="), "{ended:?}");
    for slot in [1, 3] {
        assert_eq!(remains(&rig, slot), "0 gates", "slot {slot}");
        let pins = rig.pins(&format!("n{slot}"));
        assert_eq!(files(&pins.join("links")), 0, "slot {slot}");
        assert!(files(&pins.join("maps")) > 0, "its promises hold");
        assert!(!rig.path(&format!("n{slot}.sock")).exists());
    }
    let mut again = vec![rig.daemon(1).start(), rig.daemon(3).start()];
    settle_on_any(&mut again);
    assert!(
        again[0].log().contains("maps_kept=true"),
        "{}",
        again[0].log()
    );
}

fn settle_on_any(daemons: &mut [crate::rig::Running]) {
    for daemon in daemons {
        daemon.wait_for("a master", |status| !status["master_slot"].is_null());
    }
}

#[test]
fn a_dead_daemon_leaves_its_links_and_detach_leaves_nothing() {
    let Some(rig) = Rig::new("a_dead_daemon_leaves_its_links") else {
        return;
    };
    let mut all = rig.cluster();
    let master = all.remove(0);
    assert_eq!(master.kill().code, None);
    assert_eq!(remains(&rig, 1), "6 gates xdp 203.0.113.100 239.192.7.1");
    let detached = rig
        .lab()
        .topology()
        .node(1)
        .run(|| {
            Command::new(program("heartbeatctl").expect("it is built"))
                .args(["detach", "--bpf-dir"])
                .arg(rig.pins("n1"))
                .output()
        })
        .expect("the namespace can be entered")
        .expect("it can be started");
    assert!(detached.status.success(), "{detached:?}");
    assert_eq!(remains(&rig, 1), "0 gates");
    assert!(!rig.pins("n1").exists());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let Some(rig) = Rig::new("a_second_signal") else {
        return;
    };
    rig.ip(1, "link set mgmt0 down");
    let daemon = rig.daemon(1).start();
    daemon.wait_for_line("waiting for interface");
    // While it is stopped both become pending, so that it takes them in one go: the first one alone would end it.
    daemon.signal(Signal::SIGSTOP);
    daemon.signal(Signal::SIGTERM);
    daemon.signal(Signal::SIGINT);
    let asked = Instant::now();
    daemon.signal(Signal::SIGCONT);
    let ended = daemon.ended();
    assert!(asked.elapsed() < Duration::from_millis(500));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.log.contains("told to stop a second time"),
        "{ended:?}"
    );
}

#[test]
fn a_master_killed_and_started_again_removes_its_address_before_it_stands() {
    let Some(rig) = Rig::new("a_master_killed_and_started_again") else {
        return;
    };
    let mut all = rig.cluster();
    all.remove(0).kill();
    for daemon in &mut all {
        daemon.wait_for("another master", |status| {
            status["master_slot"].as_u64().is_some_and(|slot| slot != 1)
        });
    }
    assert!(remains(&rig, 1).contains("203.0.113.100"));
    let mut again = rig.daemon(1).start();
    again.wait_for("that it is a slave", |status| status["role"] == "slave");
    assert!(!remains(&rig, 1).contains("203.0.113.100"));
    assert!(
        again.log().contains("removed virtual addresses"),
        "{}",
        again.log()
    );
    assert!(again.log().contains("maps_kept=true"), "{}", again.log());
}

/// Has the dead daemon's next life find its sequence numbers used up, which ends its pulse with a panic at
/// the next probe: they must never restart.
fn use_up_sequence_numbers(rig: &Rig, slot: u16) {
    let path = rig
        .pins(&format!("n{slot}"))
        .join(format!("maps/v{LAYOUT}"))
        .join(name::CONTROL);
    let data = MapData::from_pin(path).expect("it was pinned");
    let mut map = Array::<_, Control>::try_from(Map::Array(data)).expect("an array");
    let mut control = map.get(&0, 0).expect("its one entry");
    control.sequence = SEQUENCE_LIMIT - 2;
    map.set(0, control, 0).expect("written");
}

#[test]
fn a_pulse_that_panics_ends_the_daemon_with_a_failure_and_without_its_address() {
    let Some(rig) = Rig::new("a_pulse_that_panics") else {
        return;
    };
    let mut all = rig.cluster();
    all.remove(0).kill();
    use_up_sequence_numbers(&rig, 1);
    let mut doomed = rig.daemon(1).start();
    doomed.wait_for("a slave", |status| {
        status["role"] == "slave" && status["master_slot"].as_u64().is_some_and(|slot| slot != 1)
    });
    let log = rig.path("n1.log");
    until(
        "slot 1 has ended",
        || fs::read_to_string(&log).unwrap_or_default(),
        || {
            for daemon in &all {
                // Only the master among them does it, once it knows that slot 1 is well again.
                daemon.ask(&["switchover", "--to", "1"]);
            }
            !doomed.runs()
        },
    );
    let ended = doomed.ended();
    ended.check(
        1,
        &["the pulse thread panicked", "starting it again is safe"],
    );
    assert!(
        ended.log.contains("sequence numbers never restart"),
        "{ended:?}"
    );
    assert_eq!(remains(&rig, 1), "6 gates xdp 239.192.7.1");
    for daemon in &mut all {
        daemon.wait_for("another master", |status| {
            status["master_slot"].as_u64().is_some_and(|slot| slot != 1)
        });
    }
}
