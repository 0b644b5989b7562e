//! Announcements as another machine on the segment sees them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use heartbeat_user::net::announce::{
    ARP_FRAME_LEN, Announcer, Form, advertisement_frame, arp_frame,
};
use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::Netlink;
use heartbeat_user::sys::link_address::link_address;
use socket2::{Domain, Socket, Type};

use crate::namespace::{NODE_MAC, Namespace, SOON, Segment, eventually, is_root, read};

const ETHERTYPE_ARP: u16 = 0x0806;

/// Receives the ARP frames that arrive at an interface, or those of another EtherType.
pub(crate) struct ArpReceiver(Socket);

impl ArpReceiver {
    pub(crate) fn open(namespace: &Namespace, interface: &str) -> Self {
        Self::of(namespace, interface, ETHERTYPE_ARP)
    }

    pub(crate) fn of(namespace: &Namespace, interface: &str, ether_type: u16) -> Self {
        namespace.run(|| {
            let index = Netlink::open()
                .expect("netlink opens")
                .link(interface)
                .expect("the interface is there")
                .index;
            let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
            socket
                .bind(&link_address(index, ether_type))
                .expect("bound");
            socket.set_read_timeout(Some(SOON)).expect("set");
            Self(socket)
        })
    }

    /// The next frame; none if there was none for [`SOON`].
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        read(&mut self.0)
    }
}

#[test]
fn both_forms_arrive_at_the_other_end_as_they_were_made() {
    if !is_root("announcement frames") {
        return;
    }
    let segment = Segment::new();
    let address = Ipv4Addr::new(203, 0, 113, 100);
    let mac = MacAddress(NODE_MAC);
    let mut receiver = ArpReceiver::open(&segment.client, "client0");
    announce(&segment, mac, address.into());
    for form in Form::BOTH {
        let frame = receiver.next().expect("a frame arrives");
        assert_eq!(frame[..ARP_FRAME_LEN], arp_frame(form, mac, address));
    }
}

#[test]
fn a_neighbour_that_knew_another_hardware_address_uses_the_announced_one() {
    if !is_root("announcement taken by a neighbour") {
        return;
    }
    for form in Form::BOTH {
        let segment = Segment::new();
        let neighbours = || segment.client.ip("neighbour show 203.0.113.100");
        segment
            .client
            .ip("neighbour replace 203.0.113.100 lladdr 02:00:00:00:00:ff dev client0 nud stale");
        assert!(neighbours().contains("02:00:00:00:00:ff"));
        segment.node.run(|| {
            let link = Netlink::open()
                .expect("netlink opens")
                .link("biz0")
                .expect("the interface is there");
            let frame = arp_frame(form, MacAddress(NODE_MAC), Ipv4Addr::new(203, 0, 113, 100));
            let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
            socket
                .send_to(&frame, &link_address(link.index, ETHERTYPE_ARP))
                .expect("sent");
        });
        eventually(&format!("{form:?} is honoured"), || {
            neighbours().contains("02:00:00:00:00:0a").then_some(())
        });
    }
}

#[test]
fn an_advertisement_arrives_as_it_was_made_and_a_neighbour_that_knew_another_address_uses_it() {
    if !is_root("advertisement taken by a neighbour") {
        return;
    }
    let segment = Segment::new();
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 0x100);
    let mac = MacAddress(NODE_MAC);
    let neighbours = || segment.client.ip("neighbour show 2001:db8:113::100");
    segment
        .client
        .ip("neighbour replace 2001:db8:113::100 lladdr 02:00:00:00:00:ff dev client0 nud stale");
    assert!(neighbours().contains("02:00:00:00:00:ff"));
    let mut receiver = ArpReceiver::of(&segment.client, "client0", 0x86dd);
    announce(&segment, mac, address.into());
    let expected = advertisement_frame(mac, address);
    eventually("the advertisement arrives", || {
        // Interfaces that come up say more over IPv6.
        let frame = receiver.next().expect("a frame arrives");
        (frame == expected).then_some(())
    });
    eventually("it is honoured", || {
        neighbours().contains("02:00:00:00:00:0a").then_some(())
    });
}

#[test]
fn an_interface_that_has_gone_is_an_error_and_not_a_silence() {
    if !is_root("announcement on a missing interface") {
        return;
    }
    let segment = Segment::new();
    let error = segment.node.run(|| {
        Announcer::open()
            .expect("root may")
            .announce(4711, MacAddress(NODE_MAC), [203, 0, 113, 100].into())
            .expect_err("no such interface")
    });
    assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
}

fn announce(segment: &Segment, mac: MacAddress, address: IpAddr) {
    segment.node.run(|| {
        let link = Netlink::open()
            .expect("netlink opens")
            .link("biz0")
            .expect("the interface is there");
        Announcer::open()
            .expect("root may")
            .announce(link.index, mac, address)
            .expect("sent");
    });
}
