//! Where things stand in a heartbeat's headers, by address family.

use std::net::IpAddr;
use std::ops::Range;

use crate::client::packet::{IPV4, IPV6};
use crate::kernel::frames::sum;
use crate::lab::addresses::{Family, HEARTBEAT_PORT};

/// Where the IP header begins: behind Ethernet, without a tag.
const IP: usize = 14;
const UDP_LEN: usize = 8;
const UDP: u8 = 17;

/// The places in a heartbeat without IP options or extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(super) family: Family,
    /// Where the body begins.
    pub(crate) body: usize,
    /// TTL or hop limit.
    pub(crate) hop_limit: usize,
    protocol: usize,
    source: usize,
    address_len: usize,
}

const HEADERS_4: Headers = Headers {
    family: Family::V4,
    body: IP + 20 + UDP_LEN,
    hop_limit: IP + 8,
    protocol: IP + 9,
    source: IP + 12,
    address_len: 4,
};
const HEADERS_6: Headers = Headers {
    family: Family::V6,
    body: IP + 40 + UDP_LEN,
    hop_limit: IP + 7,
    protocol: IP + 6,
    source: IP + 8,
    address_len: 16,
};

impl Headers {
    /// Those of `frame`, if it is a heartbeat by its headers.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        let kind = u16::from_be_bytes([*frame.get(12)?, *frame.get(13)?]);
        let headers = match (kind, *frame.get(IP)?) {
            (IPV4, 0x45) => HEADERS_4,
            (IPV6, 0x60..0x70) => HEADERS_6,
            _ => return None,
        };
        let port = headers.body - UDP_LEN + 2;
        let is_one = frame.len() > headers.body
            && frame[headers.protocol] == UDP
            && frame[port..port + 2] == HEARTBEAT_PORT.to_be_bytes();
        is_one.then_some(headers)
    }

    /// Writes the two addresses.
    pub(super) fn address(&self, frame: &mut [u8], from: IpAddr, to: IpAddr) {
        for (address, at) in [(from, self.source), (to, self.source + self.address_len)] {
            let place: Range<usize> = at..at + self.address_len;
            match address {
                IpAddr::V4(address) => frame[place].copy_from_slice(&address.octets()),
                IpAddr::V6(address) => frame[place].copy_from_slice(&address.octets()),
            }
        }
    }

    /// Makes IPv4's header checksum right, else a switch that looks at headers would drop the frame; IPv6 has
    /// none.
    pub(crate) fn finish(&self, frame: &mut [u8]) {
        if self.family == Family::V4 {
            let place = self.protocol + 1..self.source;
            frame[place.clone()].fill(0);
            let checksum = !sum(&frame[IP..self.body - UDP_LEN]);
            frame[place].copy_from_slice(&checksum.to_be_bytes());
        }
    }
}
