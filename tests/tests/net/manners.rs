//! ARP manners: which interface answers for which address.

use std::fs;
use std::process::Command;

use heartbeat_user::net::announce::{Form, arp_frame};
use heartbeat_user::net::netlink::Netlink;
use heartbeat_user::net::sysctl::{answer_own_addresses_only, ask_again_soon, keep_addresses};
use heartbeat_user::sys::ethtool::strips_vlan_tags;
use heartbeat_user::sys::link_address::link_address;
use socket2::{Domain, Socket, Type};

use crate::announcements::ArpReceiver;
use crate::namespace::{Segment, is_root};

const CLIENT: [u8; 4] = [203, 0, 113, 9];
const ON_INTERFACE: [u8; 4] = [203, 0, 113, 1];
const ON_LOOPBACK: [u8; 4] = [203, 0, 113, 50];

fn setting(segment: &Segment, name: &str) -> String {
    let path = format!("/proc/sys/net/ipv4/conf/biz0/{name}");
    let value = segment
        .node
        .run(|| fs::read_to_string(path).expect("the interface has it"));
    value.trim().to_owned()
}

fn set(segment: &Segment, name: &str, value: &str) {
    let path = format!("/proc/sys/net/ipv4/conf/biz0/{name}");
    segment
        .node
        .run(|| fs::write(path, value).expect("root may"));
}

/// The addresses that the node answers for on its interface when the client asks for one on `lo` and
/// then for one that is on the interface itself.
fn answered(segment: &Segment) -> Vec<[u8; 4]> {
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    segment.client.run(|| {
        let link = Netlink::open()
            .expect("netlink opens")
            .link("client0")
            .expect("there");
        let mac = link.mac.expect("a veth has one");
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
        for asked in [ON_LOOPBACK, ON_INTERFACE] {
            let mut request = arp_frame(Form::Request, mac, CLIENT.into());
            request[38..42].copy_from_slice(&asked);
            socket
                .send_to(&request, &link_address(link.index, 0x0806))
                .expect("sent");
        }
    });
    let mut answered = Vec::new();
    while answered.last() != Some(&ON_INTERFACE) {
        let frame = receiver
            .next()
            .expect("the node answers for its own address");
        // A reply's sender address.
        if frame[20..22] == [0, 2] {
            answered.push(frame[28..32].try_into().expect("four bytes"));
        }
    }
    answered
}

#[test]
fn an_interface_answers_no_more_for_addresses_of_other_interfaces() {
    if !is_root("arp_ignore") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip("address add 203.0.113.50/32 dev lo");
    assert_eq!(answered(&segment), [ON_LOOPBACK, ON_INTERFACE]);
    segment
        .node
        .run(|| answer_own_addresses_only("biz0").expect("root may"));
    assert_eq!(answered(&segment), [ON_INTERFACE]);
}

#[test]
fn a_stricter_setting_stays_and_a_laxer_one_is_raised() {
    if !is_root("stricter ARP settings") {
        return;
    }
    let segment = Segment::new();
    set(&segment, "arp_ignore", "2");
    set(&segment, "arp_announce", "1");
    segment
        .node
        .run(|| answer_own_addresses_only("biz0").expect("root may"));
    assert_eq!(setting(&segment, "arp_ignore"), "2");
    assert_eq!(setting(&segment, "arp_announce"), "2");
}

#[test]
fn a_question_without_an_answer_is_repeated_soon_and_a_shorter_time_stays() {
    if !is_root("ARP repetition") {
        return;
    }
    const FILE: &str = "/proc/sys/net/ipv4/neigh/biz0/retrans_time_ms";
    let segment = Segment::new();
    let set_by_us = || {
        segment.node.run(|| {
            ask_again_soon("biz0").expect("root may");
            fs::read_to_string(FILE).expect("the setting is there")
        })
    };
    // The kernel rounds to its own ticks, of at most 10 ms.
    let ms: u32 = set_by_us().trim().parse().expect("a number");
    assert!((1..=20).contains(&ms), "{ms}");
    let shorter = segment.node.run(|| {
        fs::write(FILE, "4").expect("root may");
        fs::read_to_string(FILE).expect("the setting is there")
    });
    assert_eq!(set_by_us(), shorter);
}

#[test]
fn ipv6_addresses_outlive_a_switching_off_and_a_neighbour_is_asked_for_again_soon() {
    if !is_root("IPv6 manners") {
        return;
    }
    const AGAIN: &str = "/proc/sys/net/ipv6/neigh/biz0/retrans_time_ms";
    let segment = Segment::new();
    let has_address = || {
        segment.node.ip("link set biz0 down");
        segment.node.ip("link set biz0 up");
        let shown = segment.node.ip("-o -6 address show dev biz0");
        shown.contains("2001:db8:113::1/64")
    };
    let again = segment.node.run(|| {
        keep_addresses("biz0").expect("root may");
        ask_again_soon("biz0").expect("root may");
        fs::read_to_string(AGAIN).expect("the setting is there")
    });
    let ms: u32 = again.trim().parse().expect("a number");
    assert!((1..=20).contains(&ms), "{ms}");
    assert!(has_address());
    // The witness: by itself the kernel takes it off.
    segment.node.run(|| {
        fs::write("/proc/sys/net/ipv6/conf/biz0/keep_addr_on_down", "0").expect("root may");
    });
    assert!(!has_address());
}

#[test]
fn an_interface_says_whether_it_takes_vlan_tags_off() {
    if !is_root("VLAN tags") {
        return;
    }
    let segment = Segment::new();
    for (word, strips) in [("off", false), ("on", true)] {
        let done = segment.node.run(|| {
            let mut ethtool = Command::new("ethtool");
            ethtool
                .args(["-K", "biz0", "rx-vlan-offload", word])
                .status()
        });
        assert!(done.expect("ethtool is installed").success());
        let said = segment.node.run(|| strips_vlan_tags("biz0"));
        assert_eq!(said.expect("it can be asked"), strips);
    }
}

#[test]
fn an_interface_that_is_not_there_is_named_with_the_setting() {
    if !is_root("ARP settings of a missing interface") {
        return;
    }
    let segment = Segment::new();
    let error = segment
        .node
        .run(|| answer_own_addresses_only("nosuch0").expect_err("not there"))
        .to_string();
    assert!(
        error.contains("net.ipv4.conf.nosuch0.arp_ignore=1"),
        "{error}"
    );
}
