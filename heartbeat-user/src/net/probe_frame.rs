//! The headers around a heartbeat body: Ethernet, IPv4 or IPv6, UDP, with whole checksums made here.

use std::net::IpAddr;

use heartbeat_wire::frame::FRAME_LEN;

use super::checksum::Sum;
use super::ip::{Ends, IPV6_LEN};
use super::mac::MacAddress;

const ETHERNET_LEN: usize = 14;
const UDP_LEN: usize = 8;
/// Bytes of the longest probe on the wire, without the Ethernet check sequence.
const LONGEST: usize = ETHERNET_LEN + IPV6_LEN + UDP_LEN + FRAME_LEN;
#[expect(
    clippy::cast_possible_truncation,
    reason = "a heartbeat body is far below 64 KiB"
)]
const UDP_TOTAL: u16 = (UDP_LEN + FRAME_LEN) as u16;
const PROTOCOL_UDP: u8 = 17;

/// Who sends probes to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePath {
    /// Hardware address of the management interface.
    pub from_mac: MacAddress,
    /// The node's management address.
    pub from: IpAddr,
    /// The multicast group, of the same family.
    pub group: IpAddr,
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
    bytes: [u8; LONGEST],
    ends: Ends,
    /// What stays the same under the UDP checksum.
    headers_sum: Sum,
}

impl ProbeFrame {
    /// Headers for probes on this path, with an empty body.
    ///
    /// # Panics
    /// If the group is no multicast address, or of another family than the node's; the configuration check
    /// refuses such a group.
    #[must_use]
    pub fn new(path: &ProbePath) -> Self {
        let ends = Ends::new(path.from, path.group);
        let mut bytes = [0; LONGEST];
        let (ethernet, rest) = bytes.split_at_mut(ETHERNET_LEN);
        ethernet[..6].copy_from_slice(&MacAddress::of_group(path.group).0);
        ethernet[6..12].copy_from_slice(&path.from_mac.0);
        ethernet[12..].copy_from_slice(&ends.ether_type().to_be_bytes());
        ends.write_header(PROTOCOL_UDP, UDP_TOTAL, rest);
        let udp = &mut rest[ends.header_len()..][..UDP_LEN];
        udp[..2].copy_from_slice(&path.port.to_be_bytes());
        udp[2..4].copy_from_slice(&path.port.to_be_bytes());
        udp[4..6].copy_from_slice(&UDP_TOTAL.to_be_bytes());
        let headers_sum = ends.pseudo_header(PROTOCOL_UDP, UDP_TOTAL).add(udp);
        Self {
            bytes,
            ends,
            headers_sum,
        }
    }

    /// EtherType of the probes.
    #[must_use]
    pub const fn ether_type(&self) -> u16 {
        self.ends.ether_type()
    }

    /// The frame with this body, ready to be sent.
    pub fn with_body(&mut self, body: &[u8; FRAME_LEN]) -> &[u8] {
        // Zero on the wire would mean "no checksum" (RFC 768), which IPv6 does not allow at all.
        let checksum = match self.headers_sum.add(body).finish() {
            0 => 0xffff,
            checksum => checksum,
        };
        let body_at = ETHERNET_LEN + self.ends.header_len() + UDP_LEN;
        self.bytes[body_at - 2..body_at].copy_from_slice(&checksum.to_be_bytes());
        self.bytes[body_at..][..FRAME_LEN].copy_from_slice(body);
        &self.bytes[..body_at + FRAME_LEN]
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const PATH: ProbePath = ProbePath {
        from_mac: MacAddress([0x02, 0, 0, 0, 0, 0x11]),
        from: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
        group: IpAddr::V4(Ipv4Addr::new(239, 192, 7, 1)),
        port: 7405,
    };
    const PATH_6: ProbePath = ProbePath {
        from_mac: MacAddress([0x02, 0, 0, 0, 0, 0x11]),
        from: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x51, 0, 0, 0, 0, 1)),
        group: IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x7405)),
        port: 7405,
    };
    const BODY_AT: usize = 42;
    const BODY_AT_6: usize = 62;

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
    fn over_ipv6_the_headers_are_those_of_rfc_8200_and_the_sum_over_all_is_right() {
        let mut frame = ProbeFrame::new(&PATH_6);
        let bytes = frame.with_body(&counting_body());
        #[rustfmt::skip]
        let expected = [
            0x33, 0x33, 0x00, 0x00, 0x74, 0x05, 0x02, 0x00, 0x00, 0x00, 0x00, 0x11, 0x86, 0xdd,
            0x6c, 0x00, 0x00, 0x00, 0x00, 0x80, 17, 255,
        ];
        assert_eq!(bytes[..22], expected);
        assert_eq!(bytes.len(), BODY_AT_6 + FRAME_LEN);
        // Addresses, length, protocol and datagram: a right checksum makes the whole sum to zero.
        let sum = Sum::default().add(&bytes[22..]).add(&[0, 128, 0, 17]);
        assert_eq!(sum.finish(), 0);
    }

    #[test]
    fn a_checksum_of_zero_is_sent_as_all_ones() {
        // The counting body's checksum is 0xc1ff; a first word larger by that brings it to zero.
        let mut body = counting_body();
        let first = u16::from_be_bytes([body[0], body[1]]) + 0xc1ff;
        body[..2].copy_from_slice(&first.to_be_bytes());
        let mut frame = ProbeFrame::new(&PATH);
        assert_eq!(frame.with_body(&body)[BODY_AT - 2..BODY_AT], [0xff, 0xff]);
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
