//! Gates that somebody else takes away.

use std::fs;

use heartbeat_user::net::netlink::{Hook, Netlink};

use crate::ending::attached;
use crate::rig::{Rig, until};

const INTERFACE: &str = "biz0";

/// Removes both sides of the gate as another tool would: the links' pins, or the filters where there is no tcx.
fn take_gate(rig: &Rig, slot: u16) {
    let links = rig.pins(&format!("n{slot}")).join("links");
    let pins = ["gate_in", "gate_out"].map(|side| links.join(format!("{side}-{INTERFACE}")));
    if pins.iter().all(|pin| pin.exists()) {
        for pin in pins {
            fs::remove_file(pin).expect("root may remove it");
        }
        return;
    }
    let node = rig.lab().topology().node(slot);
    let remove = || {
        let mut netlink = Netlink::open().expect("a netlink socket can be opened");
        let link = netlink.link(INTERFACE).expect("the node has it");
        for hook in [Hook::Ingress, Hook::Egress] {
            for filter in netlink.filters(&link, hook).expect("they can be listed") {
                let removed = netlink.remove_filter(&link, hook, &filter);
                removed.expect("root may remove it");
            }
        }
    };
    node.run(remove).expect("the namespace can be entered");
}

#[test]
fn a_gate_that_somebody_removes_is_put_back_with_a_warning() {
    let Some(rig) = Rig::new("a_gate_that_somebody_removes") else {
        return;
    };
    let all = rig.cluster();
    let whole = attached(&rig, 3);
    assert!(whole.starts_with("6 gates"), "{whole}");
    take_gate(&rig, 3);
    // It says so only after it saw none there.
    all[2].wait_for_line("the gate was missing and was attached again");
    until(
        "the gate is whole",
        || attached(&rig, 3),
        || attached(&rig, 3) == whole,
    );
}
