//! The address of a packet socket: an interface and an Ethernet protocol (packet(7)).

use std::mem::size_of;

use socket2::{SockAddr, SockAddrStorage};

/// Where a packet socket sends, or what it receives when bound to it.
///
/// `protocol` is an EtherType in host order (0x0800 IPv4, 0x0806 ARP). The hardware address stays
/// empty: on a raw packet socket the frame's own Ethernet header carries it.
#[must_use]
pub fn link_address(interface_index: u32, protocol: u16) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is one of the platform's sockaddr types, and fits (asserted by view_as).
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = FAMILY;
    address.sll_protocol = protocol.to_be();
    // Interface indexes are positive ints in the kernel, so the bits are the same.
    address.sll_ifindex = interface_index.cast_signed();
    // SAFETY: the storage was filled as a sockaddr_ll above, and the length is that type's.
    unsafe { SockAddr::new(storage, LENGTH) }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "AF_PACKET is 17 and the struct has 20 bytes"
)]
const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
#[expect(
    clippy::cast_possible_truncation,
    reason = "AF_PACKET is 17 and the struct has 20 bytes"
)]
const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_has_the_kernels_family_and_length() {
        let address = link_address(7, 0x0806);
        assert_eq!(i32::from(address.family()), libc::AF_PACKET);
        assert_eq!(address.len(), 20);
    }
}
