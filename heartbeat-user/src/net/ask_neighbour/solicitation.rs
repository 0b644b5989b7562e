//! Neighbour solicitations (RFC 4861, section 7.2.2), in the asker's own name.
//!
//! Not in nobody's name, as duplicate address detection asks: that is answered to all nodes, with the flag that
//! has them forget what they know, so a stranger's answer would draw everybody's traffic to it. This one is
//! answered to the asker alone; who is asked learns the asker's own address, which is true.

use std::net::Ipv6Addr;

use socket2::SockFilter;

use crate::net::checksum::Sum;
use crate::net::mac::MacAddress;

pub(super) const ETHERTYPE: u16 = 0x86dd;

const ETHERNET_LEN: usize = 14;
const IPV6_LEN: usize = 40;
/// A solicitation, or an advertisement, with one option of eight bytes.
const MESSAGE_LEN: usize = 32;
const FRAME_LEN: usize = ETHERNET_LEN + IPV6_LEN + MESSAGE_LEN;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// In an advertisement: it answers a solicitation.
const SOLICITED: u8 = 0x40;
/// Options "source link-layer address" and "target link-layer address", one unit of eight bytes long.
const SOURCE_LINK_ADDRESS: [u8; 2] = [1, 1];
const TARGET_LINK_ADDRESS: [u8; 2] = [2, 1];
/// Sent and required, so that nobody behind a router can take part.
const HOP_LIMIT: u8 = 255;

/// Load a byte, jump if equal, return (linux/bpf_common.h).
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// Lets neighbour advertisements in, and nothing else.
pub(super) const ADVERTISEMENTS_ONLY: [SockFilter; 6] = [
    SockFilter::new(LOAD_BYTE, 0, 0, 20),
    SockFilter::new(JUMP_IF_EQUAL, 0, 3, ICMPV6 as u32),
    SockFilter::new(LOAD_BYTE, 0, 0, 54),
    SockFilter::new(JUMP_IF_EQUAL, 0, 1, ADVERTISEMENT as u32),
    SockFilter::new(RETURN, 0, 0, u32::MAX),
    SockFilter::new(RETURN, 0, 0, 0),
];

/// The question of `own` for `address`, to the group that its holder is in (RFC 4291, section 2.7.1).
pub(super) fn question(mac: MacAddress, own: Ipv6Addr, address: Ipv6Addr) -> [u8; FRAME_LEN] {
    let [.., a, b, c] = address.octets();
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c];
    let mut frame = [0; FRAME_LEN];
    let (ethernet, packet) = frame.split_at_mut(ETHERNET_LEN);
    ethernet[..6].copy_from_slice(&[0x33, 0x33, 0xff, a, b, c]);
    ethernet[6..12].copy_from_slice(&mac.0);
    ethernet[12..].copy_from_slice(&ETHERTYPE.to_be_bytes());
    let length = u16::try_from(MESSAGE_LEN).expect("32").to_be_bytes();
    let (header, message) = packet.split_at_mut(IPV6_LEN);
    header[0] = 6 << 4;
    header[4..6].copy_from_slice(&length);
    header[6] = ICMPV6;
    header[7] = HOP_LIMIT;
    header[8..24].copy_from_slice(&own.octets());
    header[24..].copy_from_slice(&group);
    message[0] = SOLICITATION;
    message[8..24].copy_from_slice(&address.octets());
    message[24..26].copy_from_slice(&SOURCE_LINK_ADDRESS);
    message[26..].copy_from_slice(&mac.0);
    let sum = Sum::default()
        .add(&header[8..])
        .add(&length)
        .add(&[0, ICMPV6])
        .add(message);
    message[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    frame
}

/// Which address a frame answers for, and by which hardware address, if it is an answer to `own`.
pub(super) fn answer(frame: &[u8], own: Ipv6Addr) -> Option<(Ipv6Addr, MacAddress)> {
    let frame: &[u8; FRAME_LEN] = frame.first_chunk()?;
    let (header, message) = frame[ETHERNET_LEN..].split_at(IPV6_LEN);
    let is_answer = frame[12..14] == ETHERTYPE.to_be_bytes()
        && header[6..8] == [ICMPV6, HOP_LIMIT]
        && header[24..] == own.octets()
        && message[0] == ADVERTISEMENT
        && message[4] & SOLICITED != 0
        && message[24..26] == TARGET_LINK_ADDRESS;
    let (address, mac) = (message[8..24].first_chunk()?, message[26..].first_chunk()?);
    is_answer.then_some((Ipv6Addr::from_octets(*address), MacAddress(*mac)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const HOLDER: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

    fn ip(text: &str) -> Ipv6Addr {
        text.parse().expect("an address")
    }

    fn asked() -> [u8; FRAME_LEN] {
        question(MAC, ip("fe80::2"), ip("2001:db8:113::a:100"))
    }

    /// What HOLDER answers to the question.
    fn answered() -> [u8; FRAME_LEN] {
        let mut frame = asked();
        frame[22..38].copy_from_slice(&ip("2001:db8:113::a:100").octets());
        frame[38..54].copy_from_slice(&ip("fe80::2").octets());
        frame[54] = ADVERTISEMENT;
        frame[58] = SOLICITED;
        frame[78..80].copy_from_slice(&TARGET_LINK_ADDRESS);
        frame[80..].copy_from_slice(&HOLDER.0);
        frame
    }

    #[test]
    fn the_question_goes_to_the_holders_group_and_has_a_right_checksum() {
        let frame = asked();
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x0a, 0x01, 0x00]);
        assert_eq!(frame[38..54], ip("ff02::1:ff0a:100").octets());
        let sum = Sum::default().add(&frame[22..]).add(&[0, 32, 0, ICMPV6]);
        assert_eq!(sum.finish(), 0);
    }

    #[test]
    fn an_answer_to_us_is_taken_and_nothing_else_is() {
        let own = ip("fe80::2");
        let expected = Some((ip("2001:db8:113::a:100"), HOLDER));
        assert_eq!(answer(&answered(), own), expected);
        assert_eq!(answer(&answered(), ip("fe80::3")), None, "to another one");
        assert_eq!(answer(&asked(), own), None, "a question");
        assert_eq!(answer(&answered()[..FRAME_LEN - 1], own), None, "cut off");
        let mut announcement = answered();
        announcement[58] = 0x20;
        assert_eq!(answer(&announcement, own), None, "nobody asked for it");
    }
}
