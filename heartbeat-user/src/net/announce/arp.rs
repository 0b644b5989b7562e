//! Gratuitous ARP (RFC 5227 section 3, RFC 5944 section 4.6), in both forms.

use std::net::Ipv4Addr;

use crate::net::mac::MacAddress;

/// Bytes of an ARP frame without the Ethernet padding, which drivers add.
pub const ARP_FRAME_LEN: usize = 42;

pub(super) const ETHERTYPE_ARP: u16 = 0x0806;
/// Ethernet (1), IPv4 (0x0800), 6 and 4 bytes of address (RFC 826).
const ARP_HEADER: [u8; 6] = [0x00, 0x01, 0x08, 0x00, 6, 4];

/// The two forms of a gratuitous ARP. Some stacks honour only the one, some only the other, so both
/// are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// "Who has the address? Tell the address."
    Request,
    /// "The address is at our hardware address."
    Reply,
}

impl Form {
    /// Both, in the order in which they are sent.
    pub const BOTH: [Self; 2] = [Self::Request, Self::Reply];

    const fn operation(self) -> u16 {
        match self {
            Self::Request => 1,
            Self::Reply => 2,
        }
    }

    /// What stands for the hardware address asked for. A request does not know it; of replies, Linux
    /// takes only those as gratuitous that name the sender's (arp_is_garp, net/ipv4/arp.c).
    const fn target(self, sender: MacAddress) -> MacAddress {
        match self {
            Self::Request => MacAddress([0; 6]),
            Self::Reply => sender,
        }
    }
}

/// The frame that tells everybody on the segment that `address` is now at `mac`.
#[must_use]
pub fn arp_frame(form: Form, mac: MacAddress, address: Ipv4Addr) -> [u8; ARP_FRAME_LEN] {
    let mut frame = [0; ARP_FRAME_LEN];
    frame[..6].copy_from_slice(&MacAddress::BROADCAST.0);
    frame[6..12].copy_from_slice(&mac.0);
    frame[12..14].copy_from_slice(&ETHERTYPE_ARP.to_be_bytes());
    frame[14..20].copy_from_slice(&ARP_HEADER);
    frame[20..22].copy_from_slice(&form.operation().to_be_bytes());
    frame[22..28].copy_from_slice(&mac.0);
    frame[28..32].copy_from_slice(&address.octets());
    frame[32..38].copy_from_slice(&form.target(mac).0);
    frame[38..42].copy_from_slice(&address.octets());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([0x02, 0x42, 0xac, 0x11, 0x00, 0x02]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);

    #[test]
    fn the_request_form_asks_for_the_address_in_the_addresss_name() {
        #[rustfmt::skip]
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x42, 0xac, 0x11, 0x00, 0x02, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
            0x02, 0x42, 0xac, 0x11, 0x00, 0x02, 203, 0, 113, 100,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 203, 0, 113, 100,
        ];
        assert_eq!(arp_frame(Form::Request, MAC, ADDRESS), expected);
    }

    #[test]
    fn the_reply_form_names_the_sender_as_target_too() {
        let frame = arp_frame(Form::Reply, MAC, ADDRESS);
        assert_eq!(frame[20..22], [0, 2]);
        assert_eq!(frame[22..28], frame[32..38]);
        assert_eq!(frame[28..32], frame[38..42]);
    }
}
