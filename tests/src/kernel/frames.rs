//! Packets made and read byte by byte, independently of how the kernel program does it.

use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT, MAGIC, VERSION};
use heartbeat_wire::tag::{Key, sign};
use heartbeat_wire::{Epoch, Frame, Kind};

use super::{GROUP, KEYS, PORT, address, config};

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
    pub source: [u8; 4],
    /// IP destination.
    pub destination: [u8; 4],
    /// UDP destination port.
    pub port: u16,
    /// TTL.
    pub hop_limit: u8,
    /// Flags and fragment offset.
    pub fragment: u16,
    /// Words of IP options (no-operation).
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
        destination: GROUP,
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

    /// The packet with a signed body and right checksums.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        let frame = self.signed();
        let body = &frame.as_bytes()[..FRAME_LEN - self.shorter];
        let mut packet = Vec::new();
        packet.extend([0x01, 0x00, 0x5e, 0x40, 0x07, 0x01]);
        packet.extend(mac(self.frame.sender));
        if let Some(tag) = self.tag {
            packet.extend([0x81, 0x00]);
            packet.extend(tag.to_be_bytes());
        }
        packet.extend([0x08, 0x00]);
        packet.extend(self.ip_header(8 + body.len()));
        packet.extend(self.port.to_be_bytes());
        packet.extend(self.port.to_be_bytes());
        packet.extend(length(8 + body.len()).to_be_bytes());
        // None: the responder must not look at it.
        packet.extend([0, 0]);
        packet.extend(body);
        packet
    }

    fn ip_header(&self, payload: usize) -> Vec<u8> {
        let words = 5 + self.options;
        let mut header = vec![0x40 | u8::try_from(words).expect("at most 15 words"), 0xc0];
        header.extend(length(words * 4 + payload).to_be_bytes());
        header.extend([0, 0]);
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.hop_limit, 17, 0, 0]);
        header.extend(self.source);
        header.extend(self.destination);
        // Option "no operation".
        header.extend(vec![1; self.options * 4]);
        let checksum = !sum(&header);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
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
    pub from: [u8; 4],
    /// IP destination.
    pub to: [u8; 4],
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
        let ip = &packet[14 + tag_len..];
        let (header, datagram) = ip.split_at(20);
        assert_eq!(header[0], 0x45, "no IP options");
        assert_eq!(header[1], 48 << 2, "DSCP CS6");
        assert_eq!(header[8], HOP_LIMIT);
        assert_eq!(header[9], 17, "UDP");
        assert_eq!(sum(header), 0xffff, "IP checksum");
        let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
        assert_eq!(total, 20 + 8 + FRAME_LEN);
        assert_eq!(total, ip.len(), "no byte behind the datagram");
        assert_eq!(datagram[..2], PORT.to_be_bytes());
        assert_eq!(datagram[2..4], PORT.to_be_bytes());
        assert!(datagram[6..8] != [0, 0], "a UDP checksum is there");
        let mut pseudo = header[12..20].to_vec();
        pseudo.extend([0, 17]);
        pseudo.extend(length(datagram.len()).to_be_bytes());
        pseudo.extend(datagram);
        assert_eq!(sum(&pseudo), 0xffff, "UDP checksum");
        Self {
            to_mac: packet[..6].try_into().expect("six bytes"),
            from_mac: packet[6..12].try_into().expect("six bytes"),
            from: header[12..16].try_into().expect("four bytes"),
            to: header[16..20].try_into().expect("four bytes"),
            frame: Frame::from_bytes(datagram[8..].try_into().expect("a whole body")),
        }
    }
}
