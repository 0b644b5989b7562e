//! Whole Ethernet frames for packet sockets: ARP, and UDP over IPv4.

use std::net::Ipv4Addr;

use crate::lab::addresses::Mac;

/// EtherType of ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
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
    /// Addresses, from and to.
    pub address: (Ipv4Addr, Ipv4Addr),
    /// Ports, from and to.
    pub port: (u16, u16),
}

/// A UDP datagram as a whole frame. Without a UDP checksum, which IPv4 allows (RFC 768).
///
/// # Panics
/// If the payload does not fit into one frame of 1,500 bytes.
#[must_use]
pub fn udp_frame(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let udp_len = u16::try_from(8 + payload.len()).expect("a payload of the lab is short");
    assert!(
        udp_len <= 1_480,
        "{udp_len} bytes do not fit into one frame"
    );
    let mut frame = ethernet(ends.mac.1, ends.mac.0, IPV4).to_vec();
    frame.extend(ipv4_header(ends.address, udp_len));
    for word in [ends.port.0, ends.port.1, udp_len, 0] {
        frame.extend(word.to_be_bytes());
    }
    frame.extend(payload);
    frame
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

/// The Internet checksum (RFC 1071) of a header of even length.
fn checksum(header: &[u8; 20]) -> u16 {
    let sum: u32 = header
        .as_chunks()
        .0
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
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
                address: (from, to),
                port: (1, 2),
            },
            &[0; 40],
        );
        assert_eq!(parse_arp(&datagram), None);
        assert_eq!(datagram.len(), 14 + 20 + 8 + 40);
    }
}
