//! Which addresses a node may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::value::Wrong;

/// Why `address` cannot be one machine's own; `None` if it can.
pub(super) fn unusable(address: IpAddr) -> Option<Wrong> {
    let kind = match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    };
    kind.map(|kind| {
        Wrong::new(
            format!("{address} is {kind}"),
            "write an address that one machine can have",
        )
    })
}

fn kind_of_v4(v4: Ipv4Addr) -> Option<&'static str> {
    if v4.octets()[0] == 0 {
        Some("an address of no machine (RFC 1122)")
    } else if v4.is_loopback() {
        Some("a loopback address, which no other node reaches")
    } else if v4.is_multicast() {
        Some("a multicast group, no address of one machine")
    } else if v4 == Ipv4Addr::BROADCAST {
        Some("the broadcast address")
    } else if v4.octets()[0] >= 240 {
        Some("a reserved address (RFC 1112)")
    } else {
        None
    }
}

fn kind_of_v6(v6: Ipv6Addr) -> Option<&'static str> {
    if v6.is_unspecified() {
        Some("an address of no machine (RFC 4291)")
    } else if v6.is_loopback() {
        Some("a loopback address, which no other node reaches")
    } else if v6.is_multicast() {
        Some("a multicast group, no address of one machine")
    } else if v6.to_ipv4_mapped().is_some() {
        Some("an IPv4 address in IPv6 spelling, which is on no wire")
    } else {
        None
    }
}

/// `IPv4` or `IPv6`.
pub(super) const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}
