//! Adding, deleting and marking addresses.

use std::fs;
use std::net::IpAddr;

use heartbeat_user::net::netlink::{Added, Deleted, Netlink, NetlinkError, OwnerMark};

use crate::namespace::{Segment, is_root};

const VIRTUAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 100));
const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(239, 192, 7, 1));

fn mark() -> OwnerMark {
    OwnerMark::of_cluster(0x0123_4567_89ab_cdef)
}

/// The addresses on the node's interface, as iproute2 shows them.
fn shown(segment: &Segment) -> String {
    segment.node.ip("-o -4 address show dev biz0")
}

#[test]
fn an_address_is_added_once_and_deleted_once_and_repeating_either_is_no_error() {
    if !is_root("address add and delete") {
        return;
    }
    let segment = Segment::new();
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        assert_eq!(
            netlink.add_address(&link, VIRTUAL, mark()).expect("added"),
            Added::New
        );
        assert_eq!(
            netlink
                .add_address(&link, VIRTUAL, mark())
                .expect("still there"),
            Added::WasThere
        );
        assert!(shown(&segment).contains("203.0.113.100/32"));
        assert_eq!(
            netlink
                .delete_address(link.index, VIRTUAL)
                .expect("deleted"),
            Deleted::Gone
        );
        assert_eq!(
            netlink.delete_address(link.index, VIRTUAL).expect("gone"),
            Deleted::WasNotThere
        );
        assert!(!shown(&segment).contains("203.0.113.100"));
        assert_eq!(
            netlink
                .delete_address(4711, VIRTUAL)
                .expect("no such interface"),
            Deleted::WasNotThere
        );
    });
}

#[test]
fn the_nodes_own_address_in_the_same_subnet_survives_whichever_was_added_first() {
    if !is_root("own address survives") {
        return;
    }
    for virtual_first in [false, true] {
        let segment = Segment::new();
        if virtual_first {
            segment.node.ip("address del 203.0.113.1/24 dev biz0");
        }
        segment.node.run(|| {
            let mut netlink = Netlink::open().expect("netlink opens");
            let link = netlink.link("biz0").expect("the interface is there");
            netlink.add_address(&link, VIRTUAL, mark()).expect("added");
            if virtual_first {
                segment.node.ip("address add 203.0.113.1/24 dev biz0");
            }
            netlink
                .delete_address(link.index, VIRTUAL)
                .expect("deleted");
        });
        assert!(
            shown(&segment).contains("203.0.113.1/24"),
            "virtual first: {virtual_first}"
        );
        assert!(
            segment
                .node
                .ip("route show")
                .contains("203.0.113.0/24 dev biz0")
        );
    }
}

#[test]
fn the_kernel_keeps_the_mark_so_that_only_this_clusters_addresses_are_ours() {
    if !is_root("owner mark") {
        return;
    }
    let segment = Segment::new();
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        netlink.add_address(&link, VIRTUAL, mark()).expect("added");
        let other = OwnerMark::of_cluster(99);
        netlink
            .add_address(&link, IpAddr::from([203, 0, 113, 101]), other)
            .expect("added");
        let all = netlink.addresses().expect("listed");
        let ours: Vec<_> = all.iter().filter(|address| mark().is_on(address)).collect();
        assert_eq!(ours.len(), 1);
        assert_eq!((ours[0].address, ours[0].link_index), (VIRTUAL, link.index));
        assert!(
            all.iter()
                .any(|address| address.address == IpAddr::from([203, 0, 113, 1]))
        );
    });
}

#[test]
fn an_address_that_somebody_else_put_there_is_refused_with_the_command_that_removes_it() {
    if !is_root("foreign address") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip("address add 203.0.113.100/32 dev biz0");
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        let error = netlink
            .add_address(&link, VIRTUAL, mark())
            .expect_err("it is somebody else's");
        assert!(matches!(error, NetlinkError::Foreign { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("ip address delete 203.0.113.100/32 dev biz0"),
            "{error}"
        );
    });
}

#[test]
fn the_same_address_with_the_subnets_prefix_is_not_deleted_with_ours() {
    if !is_root("other prefix length survives") {
        return;
    }
    let segment = Segment::new();
    segment.node.ip("address add 203.0.113.100/24 dev biz0");
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        assert_eq!(
            netlink.add_address(&link, VIRTUAL, mark()).expect("added"),
            Added::New
        );
        assert_eq!(
            netlink
                .delete_address(link.index, VIRTUAL)
                .expect("deleted"),
            Deleted::Gone
        );
    });
    assert!(shown(&segment).contains("203.0.113.100/24"));
}

#[test]
fn a_group_membership_outlives_the_socket_that_made_it() {
    if !is_root("multicast membership") {
        return;
    }
    let segment = Segment::new();
    // /proc/net/igmp shows groups as little-endian hexadecimal.
    let joined = || {
        segment.node.run(|| {
            fs::read_to_string("/proc/thread-self/net/igmp")
                .expect("the kernel has IGMP")
                .contains("0107C0EF")
        })
    };
    assert!(!joined());
    let index = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        assert_eq!(
            netlink
                .add_multicast_membership(&link, GROUP, mark())
                .expect("joined"),
            Added::New
        );
        assert_eq!(
            netlink
                .add_multicast_membership(&link, GROUP, mark())
                .expect("joined before"),
            Added::WasThere
        );
        link.index
    });
    assert!(joined());
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        assert_eq!(
            netlink
                .delete_multicast_membership(index, GROUP)
                .expect("left"),
            Deleted::Gone
        );
    });
    assert!(!joined());
}

const VIRTUAL_6: &str = "2001:db8:113::100";

#[test]
fn an_ipv6_address_is_usable_at_once_and_no_source_that_the_node_would_choose() {
    if !is_root("IPv6 address") {
        return;
    }
    let segment = Segment::new();
    let shown = || segment.node.ip("-o -6 address show dev biz0");
    let address: IpAddr = VIRTUAL_6.parse().expect("an address");
    let index = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        for expected in [Added::New, Added::WasThere] {
            let added = netlink.add_address(&link, address, mark());
            assert_eq!(added.expect("it is there"), expected);
        }
        let all = netlink.addresses().expect("listed");
        let ours: Vec<_> = all.iter().filter(|address| mark().is_on(address)).collect();
        assert_eq!(ours.len(), 1);
        assert_eq!((ours[0].address, ours[0].prefix_len), (address, 128));
        link.index
    });
    let line = shown();
    let line = line
        .lines()
        .find(|line| line.contains("2001:db8:113::100/128"))
        .expect("it is shown");
    for part in ["deprecated", "nodad", "noprefixroute", "preferred_lft 0sec"] {
        assert!(line.contains(part), "{part} is missing in: {line}");
    }
    assert!(!line.contains("tentative"), "{line}");
    let route = segment.node.ip("-6 route get 2001:db8:113::9");
    assert!(route.contains("src 2001:db8:113::1"), "{route}");
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        for expected in [Deleted::Gone, Deleted::WasNotThere] {
            let deleted = netlink.delete_address(index, address).expect("it is gone");
            assert_eq!(deleted, expected);
        }
    });
    assert!(!shown().contains(VIRTUAL_6));
    assert!(shown().contains("2001:db8:113::1/64"), "its own stays");
}

#[test]
fn an_ipv6_address_that_somebody_else_put_there_is_refused_whatever_its_prefix() {
    if !is_root("foreign IPv6 address") {
        return;
    }
    let segment = Segment::new();
    segment
        .node
        .ip("address add 2001:db8:113::100/64 dev biz0 nodad");
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        let error = netlink
            .add_address(&link, VIRTUAL_6.parse().expect("an address"), mark())
            .expect_err("it is somebody else's")
            .to_string();
        assert!(
            error.contains("ip address delete 2001:db8:113::100/64 dev biz0"),
            "{error}"
        );
    });
}

#[test]
fn an_ipv6_group_is_joined_without_a_socket_until_it_is_left() {
    if !is_root("IPv6 multicast membership") {
        return;
    }
    let segment = Segment::new();
    let group: IpAddr = "ff02::7405".parse().expect("an address");
    let joined = || {
        segment.node.run(|| {
            fs::read_to_string("/proc/thread-self/net/igmp6")
                .expect("the kernel has MLD")
                .contains("ff020000000000000000000000007405")
        })
    };
    assert!(!joined());
    let index = segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let link = netlink.link("biz0").expect("the interface is there");
        for expected in [Added::New, Added::WasThere] {
            let added = netlink.add_multicast_membership(&link, group, mark());
            assert_eq!(added.expect("joined"), expected);
        }
        link.index
    });
    assert!(joined());
    segment.node.run(|| {
        let mut netlink = Netlink::open().expect("netlink opens");
        let left = netlink.delete_multicast_membership(index, group);
        assert_eq!(left.expect("left"), Deleted::Gone);
    });
    assert!(!joined());
}
