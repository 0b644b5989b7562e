//! Whole Ethernet frames for packet sockets: ARP, neighbour discovery, and UDP over either family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::lab::addresses::Mac;

/// EtherType of ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// Every EtherType, for a packet socket that wants all (packet(7), ETH_P_ALL).
pub const EVERYTHING: u16 = 0x0003;
/// The hardware address of everybody.
pub const BROADCAST: Mac = [0xff; 6];

/// An ARP message with its sender's address pair and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// Whether it is a reply.
    pub reply: bool,
    /// Hardware address that the sender claims.
    pub sender_mac: Mac,
    /// Protocol address that the sender claims.
    pub sender: Ipv4Addr,
    /// Protocol address asked for, or answered to.
    pub target: Ipv4Addr,
}

const ARP_LEN: usize = 42;
const ARP_HEAD: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// A broadcast question of (`mac`, `sender`) for `target`.
#[must_use]
pub fn arp_request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> [u8; ARP_LEN] {
    let mut frame = [0; ARP_LEN];
    frame[..14].copy_from_slice(&ethernet(BROADCAST, mac, ARP));
    frame[14..20].copy_from_slice(&ARP_HEAD);
    frame[21] = 1;
    frame[22..28].copy_from_slice(&mac);
    frame[28..32].copy_from_slice(&sender.octets());
    frame[38..42].copy_from_slice(&target.octets());
    frame
}

/// The ARP message in a frame, if it holds one of Ethernet and IPv4.
#[must_use]
pub fn parse_arp(frame: &[u8]) -> Option<Arp> {
    let head = frame.get(..ARP_LEN)?;
    if head[12..14] != ARP.to_be_bytes() || head[14..20] != ARP_HEAD {
        return None;
    }
    let mac: Mac = *head[22..28].first_chunk()?;
    let address = |at: usize| {
        head[at..]
            .first_chunk::<4>()
            .map(|bytes| Ipv4Addr::from(*bytes))
    };
    Some(Arp {
        reply: head[21] == 2,
        sender_mac: mac,
        sender: address(28)?,
        target: address(38)?,
    })
}

/// Both ends of a datagram.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Hardware addresses, from and to.
    pub mac: (Mac, Mac),
    /// Addresses, from and to, of one family.
    pub address: (IpAddr, IpAddr),
    /// Ports, from and to.
    pub port: (u16, u16),
}

/// A UDP datagram as a whole frame; over IPv4 without a UDP checksum, which it allows (RFC 768).
///
/// # Panics
/// If the payload does not fit into one frame of 1,500 bytes, or the addresses are of two families.
#[must_use]
pub fn udp_frame(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let udp_len = u16::try_from(8 + payload.len()).expect("a payload of the lab is short");
    assert!(
        udp_len <= 1_460,
        "{udp_len} bytes do not fit into one frame"
    );
    let mut datagram = Vec::new();
    for word in [ends.port.0, ends.port.1, udp_len, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(payload);
    match ends.address {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut frame = ethernet(ends.mac.1, ends.mac.0, IPV4).to_vec();
            frame.extend(ipv4_header((from, to), udp_len));
            frame.extend(datagram);
            frame
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let checksum = upper_checksum((from, to), UDP, &datagram);
            datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
            ipv6_frame(ends.mac, (from, to), (UDP, 64), &datagram)
        }
        (from, to) => panic!("{from} and {to} are of two families"),
    }
}

const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The flag of an advertisement that answers a solicitation.
const SOLICITED: u8 = 0x40;

/// A neighbour advertisement with what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertisement {
    /// Whether it answers somebody.
    pub solicited: bool,
    /// Hardware address that it came from.
    pub sender_mac: Mac,
    /// Whom it was sent to.
    pub to: Ipv6Addr,
    /// The address that it speaks for.
    pub target: Ipv6Addr,
}

/// A question of (`mac`, `sender`) for `target`, to all who might have it (RFC 4861, 4.3).
#[must_use]
pub fn solicitation(mac: Mac, sender: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        0xff00 | u16::from(a),
        u16::from_be_bytes([b, c]),
    );
    let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    // Option "source link-layer address".
    message.extend([1, 1]);
    message.extend(mac);
    let checksum = upper_checksum((sender, group), ICMPV6, &message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let group_mac = [0x33, 0x33, 0xff, a, b, c];
    ipv6_frame((mac, group_mac), (sender, group), (ICMPV6, 255), &message)
}

/// The neighbour advertisement in a frame, if it is one.
#[must_use]
pub fn parse_advertisement(frame: &[u8]) -> Option<Advertisement> {
    let (head, message) = frame.split_at_checked(54)?;
    let is_one = head[12..14] == IPV6.to_be_bytes()
        && head[20] == ICMPV6
        && message.first() == Some(&ADVERTISEMENT);
    let address = |bytes: &[u8]| bytes.first_chunk::<16>().map(|b| Ipv6Addr::from(*b));
    Some(Advertisement {
        solicited: is_one.then(|| message.get(4))?? & SOLICITED != 0,
        sender_mac: *head[6..].first_chunk()?,
        to: address(&head[38..])?,
        target: address(message.get(8..)?)?,
    })
}

fn ipv6_frame(
    (from_mac, to_mac): (Mac, Mac),
    (from, to): (Ipv6Addr, Ipv6Addr),
    (next, hop_limit): (u8, u8),
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a payload of the lab is short");
    let mut frame = ethernet(to_mac, from_mac, IPV6).to_vec();
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([next, hop_limit]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(payload);
    frame
}

/// The checksum over an upper layer and its pseudo-header (RFC 8200, 8.1), never zero.
fn upper_checksum((from, to): (Ipv6Addr, Ipv6Addr), next: u8, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).expect("a payload of the lab is short");
    let mut covered = [from.octets(), to.octets()].concat();
    covered.extend(length.to_be_bytes());
    covered.extend([0, 0, 0, next]);
    covered.extend(message);
    match checksum(&covered) {
        0 => 0xffff,
        checksum => checksum,
    }
}

fn ethernet(to: Mac, from: Mac, kind: u16) -> [u8; 14] {
    let mut header = [0; 14];
    header[..6].copy_from_slice(&to);
    header[6..12].copy_from_slice(&from);
    header[12..].copy_from_slice(&kind.to_be_bytes());
    header
}

/// TTL 64, don't fragment, UDP, with its checksum.
fn ipv4_header((from, to): (Ipv4Addr, Ipv4Addr), payload_len: u16) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&(20 + payload_len).to_be_bytes());
    header[6] = 0x40;
    header[8] = 64;
    header[9] = 17;
    header[12..16].copy_from_slice(&from.octets());
    header[16..20].copy_from_slice(&to.octets());
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| {
            u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]))
        })
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).expect("two folds leave 16 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_rfc_1071_checks_sums_to_all_ones_with_its_checksum() {
        let header = ipv4_header(
            (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)),
            28,
        );
        let with_sum: u32 = header
            .as_chunks()
            .0
            .iter()
            .map(|pair| u32::from(u16::from_be_bytes(*pair)))
            .sum();
        assert_eq!((with_sum & 0xffff) + (with_sum >> 16), 0xffff);
    }

    #[test]
    fn an_arp_request_is_read_back_and_anything_else_is_not() {
        let (mac, from, to) = (
            [2, 0, 0, 0, 0, 1],
            Ipv4Addr::new(192, 0, 2, 1),
            Ipv4Addr::new(192, 0, 2, 9),
        );
        let frame = arp_request(mac, from, to);
        assert_eq!(
            parse_arp(&frame),
            Some(Arp {
                reply: false,
                sender_mac: mac,
                sender: from,
                target: to
            })
        );
        assert_eq!(parse_arp(&frame[..41]), None);
        let datagram = udp_frame(
            Ends {
                mac: (mac, mac),
                address: (from.into(), to.into()),
                port: (1, 2),
            },
            &[0; 40],
        );
        assert_eq!(parse_arp(&datagram), None);
        assert_eq!(datagram.len(), 14 + 20 + 8 + 40);
    }

    #[test]
    fn a_solicitation_goes_to_the_targets_group_and_its_sum_is_right() {
        let (from, target): (Ipv6Addr, Ipv6Addr) = (
            "2001:db8:113::210".parse().expect("an address"),
            "2001:db8:113::12:3456".parse().expect("an address"),
        );
        let frame = solicitation([2, 0, 0, 0, 0, 1], from, target);
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        let group: Ipv6Addr = "ff02::1:ff12:3456".parse().expect("an address");
        assert_eq!(frame[38..54], group.octets());
        // With the right checksum in it, everything sums to nothing.
        assert_eq!(checksum(&[&frame[22..], &[0, 32, 0, 58]].concat()), 0);
        assert_eq!(parse_advertisement(&frame), None);
    }
}
