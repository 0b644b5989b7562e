//! ARP manners: which interface answers for which address.

use std::fs;

use heartbeat_user::net::announce::{Form, arp_frame};
use heartbeat_user::net::netlink::Netlink;
use heartbeat_user::net::sysctl::{answer_own_addresses_only, ask_again_soon};
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
