//! What a daemon cannot run with: one line that names thing, cause and cure, and the exit code.

use std::fs;
use std::process::Command;

use aya::programs::XdpMode;
use heartbeat_tests::lab::other_xdp::{OtherXdp, xdp_on};
use heartbeat_tests::lab::settings::NATIVE;

use crate::ending::attached;
use crate::rig::Rig;

#[test]
fn a_machine_without_a_members_address_is_none_and_both_cures_are_named() {
    let Some(rig) = Rig::new("a_machine_without_a_members_address") else {
        return;
    };
    rig.ip(1, "addr flush dev mgmt0");
    let mut order = rig.daemon(1);
    order.named = None;
    order.refused().check(
        78,
        &[
            "slot 1 n1 198.51.100.1",
            "slot 3 n3 198.51.100.3",
            "configure this machine's address",
            "--slot",
        ],
    );
}

#[test]
fn a_slot_that_is_no_members_is_refused_with_those_that_are() {
    let Some(rig) = Rig::new("a_slot_that_is_no_members") else {
        return;
    };
    let mut order = rig.daemon(1);
    order.named = Some(7);
    order
        .refused()
        .check(78, &["--slot 7", "no such member", "slot 2 n2"]);
}

#[test]
fn a_mistake_in_the_file_keeps_the_daemon_from_starting_as_it_does_in_a_check() {
    let Some(rig) = Rig::new("a_mistake_in_the_file") else {
        return;
    };
    let text = fs::read_to_string(rig.config()).expect("written by the rig");
    fs::write(rig.config(), text.replace("period", "perjod")).expect("own file");
    let ended = rig.daemon(1).refused();
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.log.contains("heartbeatd.toml:10:1"), "{ended:?}");
    assert!(ended.log.contains("perjod"), "{ended:?}");
    assert!(
        !rig.pins("n1").exists(),
        "it stops before it makes anything"
    );
}

#[test]
fn a_folder_for_pins_on_another_file_system_is_refused_with_the_mount_that_helps() {
    let Some(rig) = Rig::new("a_folder_for_pins") else {
        return;
    };
    let mut order = rig.daemon(1);
    order.pins = rig.path("no-bpf");
    order.refused().check(
        1,
        &[
            "no-bpf",
            "not on a bpf file system",
            "mount -t bpf",
            "--bpf-dir",
        ],
    );
}

#[test]
fn another_xdp_program_on_the_management_interface_is_named_and_left_there() {
    let Some(rig) = Rig::new("another_xdp_program") else {
        return;
    };
    let node = rig.lab().topology().node(1);
    let other = OtherXdp::attach(node, "mgmt0", XdpMode::Driver).expect("nobody else is there");
    // The lab's file insists on native mode.
    rig.daemon(1).refused().check(
        1,
        &[
            "mgmt0 already has another XDP program, lab_pass (id ",
            "xdp off",
            "attach = \"auto\"",
        ],
    );
    assert_eq!(attached(&rig, 1), "0 gates", "nothing of ours is");
    let mut content = rig.daemon(1);
    content.config = rig.path("auto.toml");
    let text = fs::read_to_string(rig.config()).expect("written by the rig");
    fs::write(&content.config, text.replace(NATIVE, "")).expect("written");
    let mut daemon = content.start();
    daemon.wait_for("a responder", |status| status["datapath"]["mode"] == "tc");
    assert!(
        daemon.log().contains("program=\"lab_pass\""),
        "{}",
        daemon.log()
    );
    let there = xdp_on(node, "mgmt0").expect("the kernel tells");
    assert_eq!(there.expect("it is still there").name, "lab_pass");
    drop((daemon, other));
}

#[test]
fn a_shifted_boot_clock_is_refused_since_no_lease_could_be_compared() {
    let Some(rig) = Rig::new("a_shifted_boot_clock") else {
        return;
    };
    let shift = ["unshare", "--time", "--boottime", "1000"];
    let can = Command::new(shift[0])
        .args(&shift[1..])
        .arg("true")
        .status();
    assert!(
        can.is_ok_and(|it| it.success()),
        "this kernel has time namespaces (Linux 5.6)"
    );
    let mut order = rig.daemon(1);
    order.before = shift.map(str::to_owned).to_vec();
    order
        .refused()
        .check(78, &["time namespace", "1000 s", "host's time namespace"]);
}

#[test]
fn damaged_state_is_refused_by_file_and_the_cure_named() {
    let Some(rig) = Rig::new("damaged_state") else {
        return;
    };
    let order = rig.daemon(1);
    fs::create_dir(&order.state).expect("made");
    for file in ["epoch.json", "electors.json"] {
        let path = order.state.join(file);
        fs::write(&path, "{\"round\":").expect("written");
        order
            .refused()
            .check(1, &[file, "is damaged", "move the file away"]);
        fs::remove_file(&path).expect("own file");
    }
}
