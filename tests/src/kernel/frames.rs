//! Packets made and read byte by byte, independently of how the kernel program does it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT, MAGIC, VERSION};
use heartbeat_wire::tag::{Key, sign};
use heartbeat_wire::{Epoch, Frame, Kind};

use super::{Family, KEYS, PORT, address, config};

/// Hardware address of a slot's interface in the tests.
#[must_use]
pub const fn mac(slot: u16) -> [u8; 6] {
    [0x02, 0, 0, 0, 0, slot as u8]
}

/// A heartbeat as `from` would send it, before anything in it is spoilt.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The body; signed only by [`Heartbeat::packet`].
    pub frame: Frame,
    /// Which key signs.
    pub key: Key,
    /// Number of that key in the frame.
    pub key_slot: u8,
    /// IP source.
    pub source: IpAddr,
    /// IP destination, of the same family.
    pub destination: IpAddr,
    /// UDP destination port.
    pub port: u16,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Flags and fragment offset, as IPv4 writes them.
    pub fragment: u16,
    /// Words of IPv4 options (no-operation), or IPv6 headers of destination options.
    pub options: usize,
    /// An 802.1Q tag in the frame's bytes.
    pub tag: Option<u16>,
    /// Bytes cut off the end of the body, with the lengths in the headers set right.
    pub shorter: usize,
}

/// A probe of `epoch`, by its slot, to the group.
#[must_use]
pub fn probe(epoch: Epoch, sequence: u64) -> Heartbeat {
    heartbeat(Kind::Probe, epoch.slot(), epoch, sequence)
}

/// A query by `from` about `epoch`, to the group.
#[must_use]
pub fn query(from: u16, epoch: Epoch, sequence: u64) -> Heartbeat {
    heartbeat(Kind::Query, from, epoch, sequence)
}

/// A heartbeat of any kind, to the group; elector set and lease as every node's in the tests.
#[must_use]
pub fn heartbeat(kind: Kind, from: u16, epoch: Epoch, sequence: u64) -> Heartbeat {
    let config = config();
    Heartbeat {
        frame: Frame {
            magic: MAGIC,
            version: VERSION,
            kind: kind as u8,
            cluster_id: config.cluster_id,
            elector_version: config.elector_version,
            elector_digest: config.elector_digest,
            incarnation: 0x1000 + u64::from(from),
            sender: from,
            successor: 3,
            epoch: epoch.0,
            sequence,
            sent_ns: 1_000 + sequence,
            lease_us: 50_000,
            ..Frame::default()
        },
        key: KEYS[0],
        key_slot: 0,
        source: address(from),
        destination: Family::V4.group(),
        port: PORT,
        hop_limit: HOP_LIMIT,
        fragment: 0x4000,
        options: 0,
        tag: None,
        shorter: 0,
    }
}

impl Heartbeat {
    /// The body as it stands, signed.
    #[must_use]
    pub fn signed(&self) -> Frame {
        let mut frame = self.frame;
        sign(&mut frame, self.key_slot, &self.key);
        frame
    }

    /// The same heartbeat in a cluster of this family: the tests' IPv4 addresses are exchanged for its own.
    #[must_use]
    pub fn over(self, family: Family) -> Self {
        let exchange = |address: IpAddr| match address {
            IpAddr::V4(v4) if v4.is_multicast() => family.group(),
            IpAddr::V4(v4) => family.address(v4.octets()[3].into()),
            IpAddr::V6(_) => address,
        };
        Self {
            source: exchange(self.source),
            destination: exchange(self.destination),
            ..self
        }
    }

    /// The packet with a signed body and right checksums.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        let frame = self.signed();
        let body = &frame.as_bytes()[..FRAME_LEN - self.shorter];
        let datagram_len = 8 + body.len();
        let (group_mac, ether_type, header) = match (self.source, self.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => (
                [0x01, 0x00, 0x5e, 0x40, 0x07, 0x01],
                [0x08, 0x00],
                self.ipv4_header(from, to, datagram_len),
            ),
            (IpAddr::V6(from), IpAddr::V6(to)) => (
                [0x33, 0x33, 0x00, 0x00, 0x74, 0x05],
                [0x86, 0xdd],
                self.ipv6_headers(from, to, datagram_len),
            ),
            (from, to) => panic!("{from} and {to} are of two families"),
        };
        let mut packet = Vec::new();
        packet.extend(group_mac);
        packet.extend(mac(self.frame.sender));
        if let Some(tag) = self.tag {
            packet.extend([0x81, 0x00]);
            packet.extend(tag.to_be_bytes());
        }
        packet.extend(ether_type);
        packet.extend(header);
        packet.extend(self.port.to_be_bytes());
        packet.extend(self.port.to_be_bytes());
        packet.extend(length(datagram_len).to_be_bytes());
        // None: the responder must not look at it.
        packet.extend([0, 0]);
        packet.extend(body);
        packet
    }

    fn ipv4_header(&self, from: Ipv4Addr, to: Ipv4Addr, payload: usize) -> Vec<u8> {
        let words = 5 + self.options;
        let mut header = vec![0x40 | u8::try_from(words).expect("at most 15 words"), 0xc0];
        header.extend(length(words * 4 + payload).to_be_bytes());
        header.extend([0, 0]);
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.hop_limit, 17, 0, 0]);
        header.extend(from.octets());
        header.extend(to.octets());
        // Option "no operation".
        header.extend(vec![1; self.options * 4]);
        let checksum = !sum(&header);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header
    }

    fn ipv6_headers(&self, from: Ipv6Addr, to: Ipv6Addr, payload: usize) -> Vec<u8> {
        // Each with its own number and a place for the number of what follows.
        let mut extensions: Vec<(u8, [u8; 8])> = vec![(60, [0, 0, 1, 4, 0, 0, 0, 0]); self.options];
        let (offset, more) = (self.fragment & 0x1fff, self.fragment & 0x2000 != 0);
        if offset != 0 || more {
            let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
            extensions.push((44, [0, 0, high, low, 0, 0, 0, 1]));
        }
        let mut header = vec![0x6c, 0, 0, 0];
        header.extend(length(extensions.len() * 8 + payload).to_be_bytes());
        let numbers: Vec<u8> = extensions.iter().map(|(number, _)| *number).collect();
        let mut follows = numbers.into_iter().chain([17]);
        header.extend(follows.next());
        header.push(self.hop_limit);
        header.extend(from.octets());
        header.extend(to.octets());
        for ((_, mut extension), next) in extensions.into_iter().zip(follows) {
            extension[0] = next;
            header.extend(extension);
        }
        header
    }
}

fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).expect("test packets are short")
}

/// Ones' complement sum of big-endian 16-bit words (RFC 1071).
#[must_use]
pub fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).expect("folded after every word")
}

/// An answer taken apart, its headers and checksums checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Ethernet destination.
    pub to_mac: [u8; 6],
    /// Ethernet source.
    pub from_mac: [u8; 6],
    /// IP source.
    pub from: IpAddr,
    /// IP destination.
    pub to: IpAddr,
    /// The body.
    pub frame: Frame,
}

impl Answer {
    /// Takes an answer behind `tag_len` bytes of 802.1Q tag apart.
    ///
    /// # Panics
    /// On anything in the headers that is not as an answer's must be: a checksum, TTL, class, length,
    /// port.
    #[must_use]
    pub fn read(packet: &[u8], tag_len: usize) -> Self {
        let (ether_type, ip) = packet[12 + tag_len..].split_at(2);
        let ((from, to), datagram) = match ether_type {
            [0x08, 0x00] => (ipv4_ends(ip), &ip[20..]),
            [0x86, 0xdd] => (ipv6_ends(ip), &ip[40..]),
            other => panic!("an answer of EtherType {other:02x?}"),
        };
        assert_eq!(datagram.len(), 8 + FRAME_LEN, "no byte behind the datagram");
        assert_eq!(datagram[..2], PORT.to_be_bytes());
        assert_eq!(datagram[2..4], PORT.to_be_bytes());
        assert!(datagram[6..8] != [0, 0], "a UDP checksum is there");
        let mut pseudo = octets(from);
        pseudo.extend(octets(to));
        pseudo.extend([0, 17]);
        pseudo.extend(length(datagram.len()).to_be_bytes());
        pseudo.extend(datagram);
        assert_eq!(sum(&pseudo), 0xffff, "UDP checksum");
        Self {
            to_mac: packet[..6].try_into().expect("six bytes"),
            from_mac: packet[6..12].try_into().expect("six bytes"),
            from,
            to,
            frame: Frame::from_bytes(datagram[8..].try_into().expect("a whole body")),
        }
    }
}

/// Source and destination of an answer's IPv4 header.
fn ipv4_ends(ip: &[u8]) -> (IpAddr, IpAddr) {
    let header = &ip[..20];
    assert_eq!(header[0], 0x45, "no IP options");
    assert_eq!(header[1], 48 << 2, "DSCP CS6");
    assert_eq!(header[2..4], length(ip.len()).to_be_bytes());
    assert_eq!(header[8], HOP_LIMIT);
    assert_eq!(header[9], 17, "UDP");
    assert_eq!(sum(header), 0xffff, "IP checksum");
    let end = |at: usize| {
        let octets: [u8; 4] = header[at..at + 4].try_into().expect("four bytes");
        IpAddr::from(octets)
    };
    (end(12), end(16))
}

/// Source and destination of an answer's IPv6 header.
fn ipv6_ends(ip: &[u8]) -> (IpAddr, IpAddr) {
    let header = &ip[..40];
    assert_eq!(header[..4], [0x6c, 0, 0, 0], "version 6, DSCP CS6, no flow");
    assert_eq!(header[4..6], length(ip.len() - 40).to_be_bytes());
    assert_eq!(header[6], 17, "UDP, no extension header");
    assert_eq!(header[7], HOP_LIMIT);
    let end = |at: usize| {
        let octets: [u8; 16] = header[at..at + 16].try_into().expect("sixteen bytes");
        IpAddr::from(octets)
    };
    (end(8), end(24))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
