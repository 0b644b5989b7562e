//! The network header in front of a frame that is made here, in either family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use heartbeat_wire::frame::HOP_LIMIT;

use super::checksum::Sum;

/// EtherType of IPv4.
const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
const ETHERTYPE_IPV6: u16 = 0x86dd;
pub(super) const IPV4_LEN: usize = 20;
pub(super) const IPV6_LEN: usize = 40;
/// Class selector 6, network control (RFC 2474, RFC 4594), in the upper six bits.
pub(super) const DSCP_CS6: u8 = 48 << 2;
/// Version 4, header of five 32-bit words: no options (RFC 791).
const VERSION_AND_LENGTH: u8 = 0x45;
/// Don't fragment (RFC 791); with it the identification may be zero (RFC 6864).
const DONT_FRAGMENT: u16 = 0x4000;
/// Version 6 in the upper half (RFC 8200); the class follows, and no flow label.
const VERSION_6: u8 = 0x60;

/// The two ends of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    V4 { from: Ipv4Addr, to: Ipv4Addr },
    V6 { from: Ipv6Addr, to: Ipv6Addr },
}

impl Ends {
    /// # Panics
    /// If the two are of different families; the configuration check refuses such a cluster.
    pub(super) fn new(from: IpAddr, to: IpAddr) -> Self {
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Self::V4 { from, to },
            (IpAddr::V6(from), IpAddr::V6(to)) => Self::V6 { from, to },
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                panic!("no packet goes from {from} to {to}: they are of two families")
            }
        }
    }

    pub(super) const fn ether_type(self) -> u16 {
        match self {
            Self::V4 { .. } => ETHERTYPE_IPV4,
            Self::V6 { .. } => ETHERTYPE_IPV6,
        }
    }

    /// Bytes of the header.
    pub(super) const fn header_len(self) -> usize {
        match self {
            Self::V4 { .. } => IPV4_LEN,
            Self::V6 { .. } => IPV6_LEN,
        }
    }

    /// Writes the header of a packet with this payload to the beginning of `into`: highest hop limit, class
    /// of network control.
    pub(super) fn write_header(self, protocol: u8, payload_len: u16, into: &mut [u8]) {
        let header = &mut into[..self.header_len()];
        header.fill(0);
        match self {
            Self::V4 { from, to } => {
                let total = u16::try_from(IPV4_LEN).expect("20") + payload_len;
                header[0] = VERSION_AND_LENGTH;
                header[1] = DSCP_CS6;
                header[2..4].copy_from_slice(&total.to_be_bytes());
                header[6..8].copy_from_slice(&DONT_FRAGMENT.to_be_bytes());
                header[8] = HOP_LIMIT;
                header[9] = protocol;
                header[12..16].copy_from_slice(&from.octets());
                header[16..20].copy_from_slice(&to.octets());
                let checksum = Sum::default().add(header).finish();
                header[10..12].copy_from_slice(&checksum.to_be_bytes());
            }
            Self::V6 { from, to } => {
                header[0] = VERSION_6 | DSCP_CS6 >> 4;
                header[1] = DSCP_CS6 << 4;
                header[4..6].copy_from_slice(&payload_len.to_be_bytes());
                header[6] = protocol;
                header[7] = HOP_LIMIT;
                header[8..24].copy_from_slice(&from.octets());
                header[24..40].copy_from_slice(&to.octets());
            }
        }
    }

    /// What a checksum of the upper layer covers besides that layer (RFC 768; RFC 8200, section 8.1).
    pub(super) fn pseudo_header(self, protocol: u8, payload_len: u16) -> Sum {
        let ends = match self {
            Self::V4 { from, to } => Sum::default().add(&from.octets()).add(&to.octets()),
            Self::V6 { from, to } => Sum::default().add(&from.octets()).add(&to.octets()),
        };
        ends.add(&[0, protocol]).add(&payload_len.to_be_bytes())
    }
}
