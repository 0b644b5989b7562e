//! Interfaces that vanish and come back under a daemon that runs.

use heartbeat_tests::lab::addresses::{Network, mac_text};
use heartbeat_tests::lab::command::ip_batch;
use heartbeat_tests::lab::port::Port;

use crate::rig::{Rig, Running};

/// Deletes the node's link, as a driver that is unloaded does.
fn pull(rig: &Rig, slot: u16, network: Network) {
    rig.ip(slot, &format!("link del {}", network.interface()));
}

/// A new link of the same name in its place, up, and without an address.
fn plug(rig: &Rig, slot: u16, network: Network) -> Port {
    let last = u8::try_from(slot).expect("few nodes");
    let bridge = rig.lab().topology().bridge(network);
    let node = rig.lab().topology().node(slot).name();
    let (port, interface, mac) = (
        format!("p{slot}"),
        network.interface(),
        mac_text(network.mac(last)),
    );
    let lines = [
        format!("link add {port} type veth peer name {interface} address {mac} netns {node}"),
        format!("link set {port} master br0 up"),
    ];
    ip_batch(bridge.name(), &lines).expect("a new cable");
    // What a veth answers natively arrives only if its other end has a program too.
    let port = Port::attach(bridge, &port).expect("the lab's wire");
    rig.ip(slot, &format!("link set {interface} up"));
    port
}

fn give_address(rig: &Rig, slot: u16, network: Network) {
    let last = u8::try_from(slot).expect("few nodes");
    rig.ip(
        slot,
        &format!(
            "addr add {}/24 dev {}",
            network.address(last),
            network.interface()
        ),
    );
}

fn warnings(daemon: &Running) -> String {
    daemon
        .status()
        .map_or_else(String::new, |status| status["warnings"].to_string())
}

fn healthy(status: &serde_json::Value, slot: u16) -> bool {
    status["members"].as_array().is_some_and(|all| {
        all.iter()
            .any(|member| member["slot"] == slot && member["diagnosis"] == "healthy")
    })
}

#[test]
fn a_slave_whose_management_interface_comes_back_with_a_late_address_is_a_slave_again() {
    let Some(rig) = Rig::new("a_slave_whose_management_interface") else {
        return;
    };
    let mut all = rig.cluster();
    pull(&rig, 3, Network::Management);
    all[2].wait_for_line("interface is gone; waiting for it to come back");
    let gone = all[2].wait_for("no responder", |status| status["datapath"].is_null());
    assert!(
        gone["warnings"].to_string().contains("mgmt0 is gone"),
        "{gone}"
    );
    all[0].wait_for("slot 3 missing", |status| !healthy(status, 3));
    let _wire = plug(&rig, 3, Network::Management);
    all[2].wait_for_line("cannot use the interface again yet; tried until it works");
    assert!(
        warnings(&all[2]).contains("cannot listen on 198.51.100.3"),
        "{}",
        warnings(&all[2])
    );
    give_address(&rig, 3, Network::Management);
    all[2].wait_for_line("interface is in use again");
    let back = all[2].wait_for("slave", |status| {
        status["role"] == "slave" && status["master_slot"] == 1
    });
    assert_eq!(back["warnings"].as_array().map(Vec::len), Some(0), "{back}");
    all[0].wait_for("slot 3 healthy", |status| healthy(status, 3));
    assert!(rig.ip(3, "-o -4 addr show mgmt0").contains("239.192.7.1"));
    // It votes again: with the master gone, slot 2 needs its vote.
    all.remove(0).kill();
    all[0].wait_for("slot 2 as master", |status| status["master_slot"] == 2);
}

#[test]
fn a_master_whose_management_interface_vanishes_stays_master_by_the_business_network() {
    let Some(rig) = Rig::new("a_master_whose_management_interface") else {
        return;
    };
    let mut all = rig.cluster();
    let before = all[0].wait_for("mastership", |status| status["role"] == "master");
    pull(&rig, 1, Network::Management);
    for daemon in &mut all {
        daemon.wait_for("degraded", |status| status["degraded"] == true);
    }
    let gone = all[0].wait_for("mastership", |status| status["role"] == "master");
    assert!(gone["datapath"].is_null(), "{gone}");
    assert_eq!(gone["business_datapath"]["interface"], "biz0", "{gone}");
    let _wire = plug(&rig, 1, Network::Management);
    give_address(&rig, 1, Network::Management);
    for daemon in &mut all {
        daemon.wait_for("not degraded", |status| status["degraded"] == false);
    }
    let after = all[0].wait_for("slot 2 healthy", |status| healthy(status, 2));
    assert_eq!(before["epoch"], after["epoch"], "mastership stayed");
}

#[test]
fn a_master_whose_business_interface_comes_back_serves_again_behind_a_gate() {
    let Some(rig) = Rig::new("a_master_whose_business_interface") else {
        return;
    };
    let mut all = rig.cluster();
    let before = all[0].wait_for("mastership", |status| status["role"] == "master");
    pull(&rig, 1, Network::Business);
    all[0].wait_for("an address that is not held", |status| {
        status["virtual_addresses"][0]["held"] == false
    });
    assert!(
        warnings(&all[0]).contains("biz0 is gone"),
        "{}",
        warnings(&all[0])
    );
    let _wire = plug(&rig, 1, Network::Business);
    give_address(&rig, 1, Network::Business);
    let after = all[0].wait_for("a held address, and no warning", |status| {
        status["virtual_addresses"][0]["held"] == true
            && status["warnings"].as_array().is_some_and(Vec::is_empty)
    });
    assert_eq!(before["epoch"], after["epoch"], "mastership stayed");
    assert!(rig.ip(1, "-o -4 addr show biz0").contains("203.0.113.100"));
    for link in ["links/gate_in-biz0", "links/heartbeat-biz0"] {
        assert!(rig.pins("n1").join(link).exists(), "{link}");
    }
    assert_eq!(after["business_datapath"]["interface"], "biz0", "{after}");
    assert!(
        all[0]
            .log()
            .contains("a virtual address was missing and was added again")
    );
}

#[test]
fn an_interface_that_is_renamed_away_and_back_is_used_again() {
    let Some(rig) = Rig::new("an_interface_that_is_renamed") else {
        return;
    };
    let mut all = rig.cluster();
    rig.ip(3, "link set mgmt0 down");
    rig.ip(3, "link set mgmt0 name other0");
    all[2].wait_for_line("interface is gone");
    rig.ip(3, "link set other0 name mgmt0");
    rig.ip(3, "link set mgmt0 up");
    all[2].wait_for_line("interface is in use again");
    all[0].wait_for("slot 3 healthy", |status| healthy(status, 3));
    all.remove(0).kill();
    all[0].wait_for("slot 2 as master", |status| status["master_slot"] == 2);
}

#[test]
fn a_new_hardware_address_is_used_at_once() {
    let Some(rig) = Rig::new("a_new_hardware_address") else {
        return;
    };
    let mut all = rig.cluster();
    rig.ip(3, "link set mgmt0 address 02:68:62:01:07:03");
    all[2].wait_for_line("interface has another hardware address");
    all[2].wait_for_line("interface is in use again");
    all[0].wait_for("slot 3 healthy", |status| healthy(status, 3));
    assert!(!all[2].log().contains("cannot use"), "{}", all[2].log());
}

#[test]
fn a_membership_that_somebody_deletes_is_back_soon() {
    let Some(rig) = Rig::new("a_membership_that_somebody_deletes") else {
        return;
    };
    let all = rig.cluster();
    rig.ip(3, "addr del 239.192.7.1/32 dev mgmt0");
    all[2].wait_for_line("the multicast group's address was missing and was added again");
    assert!(rig.ip(3, "-o -4 addr show mgmt0").contains("239.192.7.1"));
}
