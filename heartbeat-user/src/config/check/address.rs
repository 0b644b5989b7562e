//! Which addresses a node may have.

use std::net::{IpAddr, Ipv4Addr};

use crate::config::value::Wrong;

/// Why `address` cannot be one machine's own; `None` if it can.
pub(super) fn unusable(address: IpAddr) -> Option<Wrong> {
    let IpAddr::V4(v4) = address else {
        return Some(no_ipv6());
    };
    let kind = if v4.octets()[0] == 0 {
        "an address of no machine (RFC 1122)"
    } else if v4.is_loopback() {
        "a loopback address, which no other node reaches"
    } else if v4.is_multicast() {
        "a multicast group, no address of one machine"
    } else if v4 == Ipv4Addr::BROADCAST {
        "the broadcast address"
    } else if v4.octets()[0] >= 240 {
        "a reserved address (RFC 1112)"
    } else {
        return None;
    };
    Some(Wrong::new(
        format!("{address} is {kind}"),
        "write an address that one machine can have",
    ))
}

pub(super) fn no_ipv6() -> Wrong {
    Wrong::new(
        "this version speaks IPv4 only",
        "write an IPv4 address or group",
    )
}
