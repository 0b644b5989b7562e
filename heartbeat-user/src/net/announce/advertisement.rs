//! Unsolicited neighbour advertisements (RFC 4861, sections 4.4 and 7.2.6).

use std::net::{IpAddr, Ipv6Addr};

use crate::net::ip::{Ends, IPV6_LEN};
use crate::net::mac::MacAddress;

/// Bytes of an advertisement on the wire, without the Ethernet check sequence.
pub const ADVERTISEMENT_FRAME_LEN: usize = ETHERNET_LEN + IPV6_LEN + MESSAGE_LEN;

pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERNET_LEN: usize = 14;
/// The advertisement with one option of eight bytes.
const MESSAGE_LEN: usize = 32;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const PROTOCOL_ICMPV6: u8 = 58;
const ADVERTISEMENT: u8 = 136;
/// Override: who knows another hardware address is to forget it. Neither router nor solicited.
const OVERRIDE: u8 = 0x20;
/// Option "target link-layer address", one unit of eight bytes long.
const TARGET_LINK_ADDRESS: [u8; 2] = [2, 1];

/// The frame that tells everybody on the segment that `address` is now at `mac`.
#[must_use]
pub fn advertisement_frame(mac: MacAddress, address: Ipv6Addr) -> [u8; ADVERTISEMENT_FRAME_LEN] {
    let ends = Ends::new(address.into(), ALL_NODES.into());
    let mut frame = [0; ADVERTISEMENT_FRAME_LEN];
    let (ethernet, packet) = frame.split_at_mut(ETHERNET_LEN);
    ethernet[..6].copy_from_slice(&MacAddress::of_group(IpAddr::V6(ALL_NODES)).0);
    ethernet[6..12].copy_from_slice(&mac.0);
    ethernet[12..].copy_from_slice(&ETHERTYPE_IPV6.to_be_bytes());
    let length = u16::try_from(MESSAGE_LEN).expect("32");
    ends.write_header(PROTOCOL_ICMPV6, length, packet);
    let message = &mut packet[IPV6_LEN..];
    message[0] = ADVERTISEMENT;
    message[4] = OVERRIDE;
    message[8..24].copy_from_slice(&address.octets());
    message[24..26].copy_from_slice(&TARGET_LINK_ADDRESS);
    message[26..].copy_from_slice(&mac.0);
    let sum = ends.pseudo_header(PROTOCOL_ICMPV6, length).add(message);
    message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::checksum::Sum;

    #[test]
    fn an_advertisement_overrides_names_the_hardware_address_and_goes_to_all_nodes() {
        let mac = MacAddress([0x02, 0x42, 0xac, 0x11, 0x00, 0x02]);
        let frame = advertisement_frame(mac, "2001:db8:113::100".parse().expect("an address"));
        #[rustfmt::skip]
        let expected = [
            0x33, 0x33, 0, 0, 0, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02, 0x86, 0xdd,
            0x6c, 0, 0, 0, 0, 32, 58, 255,
            0x20, 0x01, 0x0d, 0xb8, 0x01, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00,
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            136, 0,
        ];
        assert_eq!(frame[..56], expected);
        #[rustfmt::skip]
        let message = [
            0x20, 0, 0, 0,
            0x20, 0x01, 0x0d, 0xb8, 0x01, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00,
            2, 1, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02,
        ];
        assert_eq!(frame[58..], message);
        // A right checksum makes the sum over addresses, length, protocol and message to zero.
        let sum = Sum::default().add(&frame[22..]).add(&[0, 32, 0, 58]);
        assert_eq!(sum.finish(), 0);
    }
}
