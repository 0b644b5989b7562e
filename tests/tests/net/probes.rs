//! Probes as another kernel receives them.

use std::fs;
use std::net::Ipv4Addr;

use heartbeat_user::net::mac::MacAddress;
use heartbeat_user::net::netlink::Netlink;
use heartbeat_user::net::probe_frame::{ProbeFrame, ProbePath};
use heartbeat_user::net::probe_socket::ProbeSocket;
use heartbeat_user::sys::link_address::link_address;
use heartbeat_wire::frame::FRAME_LEN;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::namespace::{NODE_MAC, SOON, Segment, eventually, is_root, read};

const PATH: ProbePath = ProbePath {
    from_mac: MacAddress(NODE_MAC),
    from: Ipv4Addr::new(203, 0, 113, 1),
    group: Ipv4Addr::new(239, 192, 7, 1),
    port: 7405,
};

/// A UDP socket of the client that is a member of the group.
fn member(segment: &Segment) -> Socket {
    segment.client.run(|| {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
        let port = std::net::SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PATH.port);
        socket.bind(&SockAddr::from(port)).expect("bound");
        socket
            .join_multicast_v4(&PATH.group, &Ipv4Addr::new(203, 0, 113, 9))
            .expect("joined");
        socket.set_read_timeout(Some(SOON)).expect("set");
        socket
    })
}

/// Number of the node's interface.
fn node_link() -> u32 {
    Netlink::open()
        .expect("netlink opens")
        .link("biz0")
        .expect("the interface is there")
        .index
}

/// How often the client's kernel dropped a datagram for a wrong checksum (Udp: InCsumErrors).
fn checksum_errors(segment: &Segment) -> u64 {
    let text = segment
        .client
        .run(|| fs::read_to_string("/proc/thread-self/net/snmp").expect("the kernel counts"));
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let at = names
        .split(' ')
        .position(|name| name == "InCsumErrors")
        .expect("Linux 3.10 counts it");
    let value = values.split(' ').nth(at).expect("one value a name");
    value.parse().expect("a number")
}

#[test]
fn a_members_kernel_takes_the_checksum_for_right_and_hands_the_body_over() {
    if !is_root("probe to a member") {
        return;
    }
    let segment = Segment::new();
    let mut member = member(&segment);
    segment.node.run(|| {
        let mut socket = ProbeSocket::open(node_link(), &PATH).expect("root may");
        for number in [1, 0xff] {
            socket.send(&[number; FRAME_LEN]).expect("sent");
        }
    });
    for number in [1, 0xff] {
        let body = read(&mut member).expect("the probe arrives");
        assert_eq!(body, [number; FRAME_LEN]);
    }
    assert_eq!(checksum_errors(&segment), 0);
}

#[test]
fn the_same_kernel_drops_a_probe_with_one_wrong_bit() {
    if !is_root("damaged probe") {
        return;
    }
    let segment = Segment::new();
    let mut member = member(&segment);
    segment.node.run(|| {
        let mut frame = ProbeFrame::new(&PATH);
        let mut bytes = *frame.with_body(&[1; FRAME_LEN]);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
        socket
            .send_to(&bytes, &link_address(node_link(), 0x0800))
            .expect("sent");
    });
    // The kernel looks at the checksum when the datagram is read.
    member.set_nonblocking(true).expect("set");
    eventually("the wrong checksum is counted", || {
        assert_eq!(read(&mut member), None, "a damaged probe was handed over");
        (checksum_errors(&segment) == 1).then_some(())
    });
}
