//! Probes as another kernel receives them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
    from: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    group: IpAddr::V4(Ipv4Addr::new(239, 192, 7, 1)),
    port: 7405,
};
const PATH_6: ProbePath = ProbePath {
    from: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x113, 0, 0, 0, 0, 1)),
    group: IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x7405)),
    ..PATH
};

/// A UDP socket of the client that is a member of the path's group.
fn member(segment: &Segment, path: &ProbePath) -> Socket {
    segment.client.run(|| {
        let any: IpAddr = match path.group {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let address = SocketAddr::new(any, path.port);
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)).expect("a socket");
        socket.bind(&SockAddr::from(address)).expect("bound");
        match path.group {
            IpAddr::V4(group) => socket.join_multicast_v4(&group, &Ipv4Addr::new(203, 0, 113, 9)),
            IpAddr::V6(group) => socket.join_multicast_v6(&group, index_of("client0")),
        }
        .expect("joined");
        socket.set_read_timeout(Some(SOON)).expect("set");
        socket
    })
}

/// Number of an interface of this namespace.
fn index_of(interface: &str) -> u32 {
    Netlink::open()
        .expect("netlink opens")
        .link(interface)
        .expect("the interface is there")
        .index
}

/// How often the client's kernel dropped a datagram for a wrong checksum, over either family.
fn checksum_errors(segment: &Segment) -> u64 {
    let [v4, v6] = ["snmp", "snmp6"].map(|file| {
        let path = format!("/proc/thread-self/net/{file}");
        segment
            .client
            .run(|| fs::read_to_string(path).expect("the kernel counts"))
    });
    let mut lines = v4.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let at = names
        .split(' ')
        .position(|name| name == "InCsumErrors")
        .expect("Linux 3.10 counts it");
    let v4 = values.split(' ').nth(at).expect("one value a name");
    let v6 = v6
        .lines()
        .find_map(|line| line.strip_prefix("Udp6InCsumErrors"))
        .expect("Linux 3.10 counts it");
    [v4, v6]
        .map(|value| value.trim().parse::<u64>().expect("a number"))
        .iter()
        .sum()
}

#[test]
fn a_members_kernel_takes_the_checksum_for_right_and_hands_the_body_over() {
    if !is_root("probe to a member") {
        return;
    }
    for path in [PATH, PATH_6] {
        let segment = Segment::new();
        let mut member = member(&segment, &path);
        segment.node.run(|| {
            let mut socket = ProbeSocket::open(index_of("biz0"), &path).expect("root may");
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
}

#[test]
fn the_same_kernel_drops_a_probe_with_one_wrong_bit() {
    if !is_root("damaged probe") {
        return;
    }
    for path in [PATH, PATH_6] {
        let segment = Segment::new();
        let mut member = member(&segment, &path);
        segment.node.run(|| {
            let mut frame = ProbeFrame::new(&path);
            let ether_type = frame.ether_type();
            let mut bytes = frame.with_body(&[1; FRAME_LEN]).to_vec();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            let socket = Socket::new(Domain::PACKET, Type::RAW, None).expect("root may");
            socket
                .send_to(&bytes, &link_address(index_of("biz0"), ether_type))
                .expect("sent");
        });
        // The kernel looks at the checksum when the datagram is read.
        member.set_nonblocking(true).expect("set");
        eventually("the wrong checksum is counted", || {
            assert_eq!(read(&mut member), None, "a damaged probe was handed over");
            (checksum_errors(&segment) == 1).then_some(())
        });
    }
}
