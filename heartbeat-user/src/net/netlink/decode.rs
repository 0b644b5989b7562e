//! From the kernel's bytes to links and addresses.
//!
//! Only the attributes that are needed are looked at: a newer kernel's new or longer attribute must
//! not blind the daemon, which it would if a whole message were rejected for it.

use std::net::IpAddr;

use netlink_packet_core::{NetlinkBuffer, NlasIterator};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressFlags, AddressHeader};
use netlink_packet_route::link::{LinkFlags, LinkHeader};

use crate::net::mac::MacAddress;

/// Bytes of struct ifinfomsg (linux/rtnetlink.h).
const LINK_HEADER_BYTES: usize = 16;
/// Bytes of struct ifaddrmsg (linux/if_addr.h).
const ADDRESS_HEADER_BYTES: usize = 8;
/// What follows a netlink message starts at a multiple of this (NLMSG_ALIGNTO).
const ALIGN: usize = 4;
/// Priority of the prefix route (linux/if_addr.h, 4.18).
const IFA_RT_PRIORITY: u16 = 9;
/// Who added an address (linux/if_addr.h, 5.18).
const IFA_PROTO: u16 = 11;

/// One interface of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it; another one after it was deleted and made again.
    pub index: u32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its Ethernet address; none on links without one.
    pub mac: Option<MacAddress>,
    /// Somebody switched it on (IFF_UP).
    pub up: bool,
    /// It can carry packets now: on, and with a carrier (IFF_RUNNING, RFC 2863 operational state).
    pub running: bool,
    /// Longest packet in bytes, without the Ethernet header.
    pub mtu: u32,
    /// `veth`, `vlan`, `bond`...; none for hardware.
    pub kind: Option<String>,
    /// Number of the interface that it stands on, of a `vlan` or `macvlan`; none if that is in another namespace.
    pub parent: Option<u32>,
}

/// One address on an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The interface that has it.
    pub link_index: u32,
    /// The address itself (the local one of a point-to-point link).
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix_len: u8,
    /// All flags (IFA_F_*).
    pub flags: AddressFlags,
    /// Who put it there (IFA_PROTO, Linux 5.18); 0 if nobody said.
    pub protocol: u8,
    /// The priority of its prefix route (IFA_RT_PRIORITY, Linux 4.18); 0 if nobody said.
    pub priority: u32,
}

/// A message without its header.
#[derive(Debug)]
pub(in crate::net) struct RawMessage<'a> {
    pub(in crate::net) kind: u16,
    pub(in crate::net) flags: u16,
    pub(in crate::net) sequence: u32,
    pub(in crate::net) payload: &'a [u8],
}

/// The messages of one datagram; ends at the first one that is not whole.
pub(in crate::net) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = RawMessage<'_>> {
    std::iter::from_fn(move || {
        let message = NetlinkBuffer::new_checked(bytes).ok()?;
        let length = message.length() as usize;
        let whole = RawMessage {
            kind: message.message_type(),
            flags: message.flags(),
            sequence: message.sequence_number(),
            payload: message.payload(),
        };
        bytes = bytes
            .get(length.next_multiple_of(ALIGN)..)
            .unwrap_or_default();
        Some(whole)
    })
}

/// A link from RTM_NEWLINK or RTM_DELLINK; none if it is not one in our sense.
pub(super) fn link(payload: &[u8]) -> Option<Link> {
    let header = LinkHeader::parse(payload).ok()?;
    // A bridge reports its ports as messages of its own family; "port removed" is no "link gone".
    if header.interface_family != AddressFamily::Unspec {
        return None;
    }
    let mut link = Link {
        index: header.index,
        name: String::new(),
        mac: None,
        up: header.flags.contains(LinkFlags::Up),
        running: header.flags.contains(LinkFlags::Up | LinkFlags::Running),
        mtu: 0,
        kind: None,
        parent: None,
    };
    let mut is_elsewhere = false;
    for attribute in NlasIterator::new(payload.get(LINK_HEADER_BYTES..)?).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            libc::IFLA_IFNAME => link.name = text(value),
            libc::IFLA_ADDRESS => link.mac = value.try_into().ok().map(MacAddress),
            libc::IFLA_MTU => link.mtu = number(value)?,
            libc::IFLA_LINK => link.parent = number(value),
            // The number then counts there, and here it may be anybody's.
            libc::IFLA_LINK_NETNSID => is_elsewhere = true,
            libc::IFLA_LINKINFO => link.kind = link_kind(value),
            _ => {}
        }
    }
    link.parent = link.parent.filter(|_| !is_elsewhere);
    Some(link)
}

fn link_kind(info: &[u8]) -> Option<String> {
    NlasIterator::new(info)
        .flatten()
        .find(|attribute| attribute.kind() == libc::IFLA_INFO_KIND)
        .map(|attribute| text(attribute.value()))
}

/// An address from RTM_NEWADDR or RTM_DELADDR.
pub(super) fn address(payload: &[u8]) -> Option<Address> {
    let header = AddressHeader::parse(payload).ok()?;
    let mut flags = u32::from(header.flags.bits());
    let (mut local, mut remote, mut protocol, mut priority) = (None, None, 0, 0);
    for attribute in NlasIterator::new(payload.get(ADDRESS_HEADER_BYTES..)?).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            libc::IFA_LOCAL => local = ip(value),
            libc::IFA_ADDRESS => remote = ip(value),
            libc::IFA_FLAGS => flags = number(value)?,
            IFA_PROTO => protocol = *value.first()?,
            IFA_RT_PRIORITY => priority = number(value)?,
            _ => {}
        }
    }
    Some(Address {
        link_index: header.index,
        // On a point-to-point link IFA_ADDRESS is the other end; IPv6 has no IFA_LOCAL elsewhere.
        address: local.or(remote)?,
        prefix_len: header.prefix_len,
        flags: AddressFlags::from_bits_retain(flags),
        protocol,
        priority,
    })
}

pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .trim_end_matches('\0')
        .to_owned()
}

pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RTM_NEWADDR of 203.0.113.100/32 with this product's mark, as Linux 6.18 sends it.
    #[rustfmt::skip]
    const NEW_ADDRESS: [u8; 68] = [
        68, 0, 0, 0, 20, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,
        2, 32, 0x82, 0, 4, 0, 0, 0,
        8, 0, 1, 0, 203, 0, 113, 100,
        8, 0, 2, 0, 203, 0, 113, 100,
        5, 0, 11, 0, 0x48, 0, 0, 0,
        8, 0, 9, 0, 0x78, 0x56, 0x34, 0x12,
        8, 0, 8, 0, 0x82, 0x02, 0, 0,
        // An attribute of a kernel to come.
        4, 0, 99, 0,
    ];

    #[test]
    fn an_address_is_read_though_an_unknown_attribute_stands_beside_it() {
        let message = messages(&NEW_ADDRESS).next().expect("a whole message");
        assert_eq!((message.kind, message.sequence), (20, 9));
        let flags = AddressFlags::Permanent | AddressFlags::Nodad | AddressFlags::Noprefixroute;
        let expected = Address {
            link_index: 4,
            address: IpAddr::from([203, 0, 113, 100]),
            prefix_len: 32,
            flags,
            protocol: 0x48,
            priority: 0x1234_5678,
        };
        assert_eq!(address(message.payload), Some(expected));
    }

    /// RTM_NEWLINK of a VLAN interface on interface 3, as far as it is looked at.
    #[rustfmt::skip]
    const NEW_VLAN: [u8; 52] = [
        0, 0, 1, 0, 7, 0, 0, 0, 0x43, 0, 0, 0, 0, 0, 0, 0,
        7, 0, 3, 0, b'm', b'0', 0, 0,
        8, 0, 5, 0, 3, 0, 0, 0,
        20, 0, 18, 0, 8, 0, 1, 0, b'v', b'l', b'a', b'n', 8, 0, 2, 0, 4, 0, 1, 0,
    ];

    #[test]
    fn a_vlan_names_the_interface_that_it_stands_on() {
        let link = link(&NEW_VLAN).expect("a link");
        assert_eq!((link.name.as_str(), link.index), ("m0", 7));
        assert_eq!((link.kind.as_deref(), link.parent), (Some("vlan"), Some(3)));
    }

    #[test]
    fn one_that_stands_on_an_interface_of_another_namespace_names_none_of_this_one() {
        // IFLA_LINK_NETNSID 0.
        let elsewhere = [&NEW_VLAN[..], &[8, 0, 37, 0, 0, 0, 0, 0]].concat();
        assert_eq!(link(&elsewhere).expect("a link").parent, None);
    }

    #[test]
    fn a_message_that_is_not_whole_ends_the_list() {
        let mut two = [NEW_ADDRESS, NEW_ADDRESS].concat();
        assert_eq!(messages(&two).count(), 2);
        two.pop();
        assert_eq!(messages(&two).count(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_make_the_decoder_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (link(&bytes), address(&bytes));
            // Every message takes at least its header from what is left.
            prop_assert!(messages(&bytes).count() <= bytes.len() / 16);
        }
    }
}
