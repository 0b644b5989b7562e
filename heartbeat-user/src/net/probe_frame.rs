//! The headers around a heartbeat body: Ethernet, IPv4, UDP, with whole checksums made here.

use std::net::Ipv4Addr;

use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT};

use super::checksum::Sum;
use super::mac::MacAddress;

/// EtherType of IPv4.
pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;

const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const UDP_LEN: usize = 8;
const IPV4_AT: usize = ETHERNET_LEN;
const UDP_AT: usize = IPV4_AT + IPV4_LEN;
const BODY_AT: usize = UDP_AT + UDP_LEN;
/// Bytes of a probe on the wire, without the Ethernet check sequence.
pub const PROBE_FRAME_LEN: usize = BODY_AT + FRAME_LEN;

#[expect(
    clippy::cast_possible_truncation,
    reason = "a heartbeat body is far below 64 KiB"
)]
const UDP_TOTAL: u16 = (UDP_LEN + FRAME_LEN) as u16;
#[expect(
    clippy::cast_possible_truncation,
    reason = "a heartbeat body is far below 64 KiB"
)]
const IPV4_TOTAL: u16 = (IPV4_LEN + UDP_LEN + FRAME_LEN) as u16;

/// Version 4, header of five 32-bit words: no options (RFC 791).
const VERSION_AND_LENGTH: u8 = 0x45;
/// Class selector 6, network control (RFC 2474, RFC 4594), in the upper six bits.
pub(super) const DSCP_CS6: u8 = 48 << 2;
/// Don't fragment (RFC 791); with it the identification may be zero (RFC 6864).
const DONT_FRAGMENT: u16 = 0x4000;
const PROTOCOL_UDP: u8 = 17;

/// Who sends probes to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePath {
    /// Hardware address of the management interface.
    pub from_mac: MacAddress,
    /// The node's management address.
    pub from: Ipv4Addr,
    /// The multicast group.
    pub group: Ipv4Addr,
    /// UDP port of heartbeats, source and destination.
    pub port: u16,
}

/// One probe with its headers. Made once; each probe exchanges the body and the UDP checksum, since
/// nothing else differs from one to the next.
///
/// The checksum must be whole: the responder makes its answer's from it, and a half-made one (as the
/// kernel leaves it to the network card for an ordinary UDP socket) would come back wrong.
#[derive(Debug, Clone)]
pub struct ProbeFrame {
    bytes: [u8; PROBE_FRAME_LEN],
    /// What stays the same under the UDP checksum.
    headers_sum: Sum,
}

impl ProbeFrame {
    /// Headers for probes on this path, with an empty body.
    ///
    /// # Panics
    /// If the group is no multicast address; the configuration check refuses such a group.
    #[must_use]
    pub fn new(path: &ProbePath) -> Self {
        let mut bytes = [0; PROBE_FRAME_LEN];
        bytes[..6].copy_from_slice(&MacAddress::of_group(path.group).0);
        bytes[6..12].copy_from_slice(&path.from_mac.0);
        bytes[12..14].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
        bytes[IPV4_AT..UDP_AT].copy_from_slice(&ipv4_header(path));
        bytes[UDP_AT..UDP_AT + 2].copy_from_slice(&path.port.to_be_bytes());
        bytes[UDP_AT + 2..UDP_AT + 4].copy_from_slice(&path.port.to_be_bytes());
        bytes[UDP_AT + 4..UDP_AT + 6].copy_from_slice(&UDP_TOTAL.to_be_bytes());
        let headers_sum = Sum::default()
            .add(&pseudo_header(path))
            .add(&bytes[UDP_AT..BODY_AT]);
        Self { bytes, headers_sum }
    }

    /// The frame with this body, ready to be sent.
    pub fn with_body(&mut self, body: &[u8; FRAME_LEN]) -> &[u8; PROBE_FRAME_LEN] {
        // Zero on the wire would mean "no checksum" (RFC 768).
        let checksum = match self.headers_sum.add(body).finish() {
            0 => 0xffff,
            checksum => checksum,
        };
        self.bytes[UDP_AT + 6..BODY_AT].copy_from_slice(&checksum.to_be_bytes());
        self.bytes[BODY_AT..].copy_from_slice(body);
        &self.bytes
    }
}

fn ipv4_header(path: &ProbePath) -> [u8; IPV4_LEN] {
    let mut header = [0; IPV4_LEN];
    header[0] = VERSION_AND_LENGTH;
    header[1] = DSCP_CS6;
    header[2..4].copy_from_slice(&IPV4_TOTAL.to_be_bytes());
    header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
    header[8] = HOP_LIMIT;
    header[9] = PROTOCOL_UDP;
    header[12..16].copy_from_slice(&path.from.octets());
    header[16..20].copy_from_slice(&path.group.octets());
    let checksum = Sum::default().add(&header).finish();
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// What UDP's checksum covers besides the datagram (RFC 768).
fn pseudo_header(path: &ProbePath) -> [u8; 12] {
    let mut header = [0; 12];
    header[..4].copy_from_slice(&path.from.octets());
    header[4..8].copy_from_slice(&path.group.octets());
    header[9] = PROTOCOL_UDP;
    header[10..].copy_from_slice(&UDP_TOTAL.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: ProbePath = ProbePath {
        from_mac: MacAddress([0x02, 0, 0, 0, 0, 0x11]),
        from: Ipv4Addr::new(198, 51, 100, 1),
        group: Ipv4Addr::new(239, 192, 7, 1),
        port: 7405,
    };

    /// What Linux 6.18 itself put on the wire for a UDP socket with the same addresses, TOS 0xc0,
    /// TTL 255, don't fragment, transmit checksum offload off, and the body 0, 1, 2...
    #[rustfmt::skip]
    const HEADERS_BY_THE_KERNEL: [u8; BODY_AT] = [
        0x01, 0x00, 0x5e, 0x40, 0x07, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x11, 0x08, 0x00,
        0x45, 0xc0, 0x00, 0x94, 0x00, 0x00, 0x40, 0x00, 0xff, 0x11, 0x59, 0xa2,
        0xc6, 0x33, 0x64, 0x01, 0xef, 0xc0, 0x07, 0x01,
        0x1c, 0xed, 0x1c, 0xed, 0x00, 0x80, 0xc1, 0xff,
    ];

    fn counting_body() -> [u8; FRAME_LEN] {
        std::array::from_fn(|at| u8::try_from(at).expect("a body is shorter than 256 bytes"))
    }

    #[test]
    fn a_probe_has_the_same_headers_as_a_datagram_of_the_kernel() {
        let mut frame = ProbeFrame::new(&PATH);
        let bytes = frame.with_body(&counting_body());
        assert_eq!(bytes[..BODY_AT], HEADERS_BY_THE_KERNEL);
        assert_eq!(bytes[BODY_AT..], counting_body());
    }

    #[test]
    fn a_checksum_of_zero_is_sent_as_all_ones() {
        // The counting body's checksum is 0xc1ff; a first word larger by that brings it to zero.
        let mut body = counting_body();
        let first = u16::from_be_bytes([body[0], body[1]]) + 0xc1ff;
        body[..2].copy_from_slice(&first.to_be_bytes());
        let mut frame = ProbeFrame::new(&PATH);
        assert_eq!(frame.with_body(&body)[UDP_AT + 6..BODY_AT], [0xff, 0xff]);
    }

    #[test]
    fn nothing_of_a_former_body_is_left_in_the_next_probe() {
        let mut used = ProbeFrame::new(&PATH);
        used.with_body(&[0xff; FRAME_LEN]);
        assert_eq!(
            used.with_body(&counting_body()),
            ProbeFrame::new(&PATH).with_body(&counting_body())
        );
    }
}
