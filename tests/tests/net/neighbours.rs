//! Who answers for an address, asked of the running kernel.

use std::net::IpAddr;

use heartbeat_user::net::ask_neighbour::{Answered, Asker};
use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::Netlink;

use crate::namespace::{NODE_MAC, Segment, is_root};

const OWN_V6: &str = "2001:db8:113::9";

/// Asks from the client's end of the segment.
fn ask(segment: &Segment, addresses: &[&str]) -> Vec<Answered> {
    let addresses: Vec<IpAddr> = addresses
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect();
    segment.client.run(|| {
        let link = Netlink::open()
            .expect("netlink opens")
            .link("client0")
            .expect("the interface is there");
        let asker = Asker {
            interface_index: link.index,
            mac: link.mac.expect("Ethernet"),
            ipv6: Some(OWN_V6.parse().expect("an address")),
        };
        asker.ask(&addresses).expect("the interface is on")
    })
}

#[test]
fn the_holder_of_an_address_answers_and_for_another_nobody_does() {
    if !is_root("who answers for an address") {
        return;
    }
    let segment = Segment::new();
    segment
        .node
        .ip("address add 2001:db8:113::100/128 dev biz0 nodad");
    let asked = [
        "203.0.113.1",
        "203.0.113.77",
        "2001:db8:113::100",
        "2001:db8:113::77",
    ];
    let holder = Some(vec![MacAddress(NODE_MAC)]);
    let nobody = Some(Vec::new());
    assert_eq!(
        ask(&segment, &asked),
        [holder.clone(), nobody.clone(), holder, nobody]
    );
}

#[test]
fn the_question_for_an_ipv4_address_leaves_nothing_in_the_holders_cache() {
    if !is_root("the question teaches nobody") {
        return;
    }
    let segment = Segment::new();
    let known = || segment.node.ip("neighbour show 203.0.113.9");
    assert_eq!(
        ask(&segment, &["203.0.113.1"]),
        [Some(vec![MacAddress(NODE_MAC)])]
    );
    assert_eq!(known(), "", "asked in nobody's name");
    // The witness: an ordinary question does leave something.
    segment.client.run(|| {
        let socket = std::net::UdpSocket::bind("203.0.113.9:0").expect("bound");
        socket.send_to(b"?", "203.0.113.1:9").expect("sent");
    });
    crate::namespace::eventually("an ordinary question is remembered", || {
        known().contains("203.0.113.9").then_some(())
    });
}
