//! The network header of either family: read as far as a heartbeat depends on it, and written for an answer.

use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT};
use heartbeat_wire::maps::{Address, is_mapped, mapped};

use crate::context::PacketContext;
use crate::packet::{ETHER_LEN, TAG_LEN, TYPE_IPV4, TYPE_IPV6, TYPE_VLAN, UDP_LEN, at, read};

pub(crate) const IPV4_LEN: usize = 20;
pub(crate) const IPV6_LEN: usize = 40;
pub(crate) const PROTOCOL_UDP: u8 = 17;
/// UDP header and body of a heartbeat.
pub(crate) const DATAGRAM_LEN: u16 = (UDP_LEN + FRAME_LEN) as u16;
const PACKET_LEN: u16 = IPV4_LEN as u16 + DATAGRAM_LEN;
/// DSCP CS6, network control (RFC 4594), as the byte in the header.
const CLASS: u8 = 48 << 2;

/// Version 4, five words of header: no options.
const NO_OPTIONS: u8 = 0x45;
const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Version 6 and the upper half of the class; the lower half and the flow label are zero.
const VERSION_AND_CLASS: [u8; 4] = [0x60 | CLASS >> 4, CLASS << 4, 0, 0];
/// The extension headers (RFC 8200) that a datagram may stand behind.
pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const DESTINATION_OPTIONS: u8 = 60;
/// The offset's bits in bytes 2 and 3 of a fragment header.
pub(crate) const IPV6_FRAGMENT_OFFSET: u16 = 0xfff8;

/// IPv4 header without options; numbers in network byte order.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Ipv4 {
    version_and_length: u8,
    class: u8,
    total_length: u16,
    id: u16,
    fragment: u16,
    hop_limit: u8,
    protocol: u8,
    checksum: u16,
    source: u32,
    destination: u32,
}

/// IPv6 header; numbers in network byte order.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Ipv6 {
    version_and_class: [u8; 4],
    payload_length: u16,
    next: u8,
    hop_limit: u8,
    source: Address,
    destination: Address,
}

const _: () = {
    assert!(size_of::<Ipv4>() == IPV4_LEN);
    assert!(size_of::<Ipv6>() == IPV6_LEN);
};

/// Which header it is.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The network header of a UDP datagram.
pub(crate) struct Network {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    /// Where the UDP header begins.
    pub(crate) transport: usize,
    /// Whether it is as every heartbeat is sent: hop limit and length, no options or extension headers, no
    /// fragment.
    pub(crate) is_as_sent: bool,
}

/// Where the network header begins, behind the Ethernet header and at most one tag, and which it is.
#[inline(always)]
pub(crate) fn place(ctx: &impl PacketContext) -> Option<(Family, usize)> {
    let mut ether_type = ctx.number(12)?;
    let mut start = ETHER_LEN;
    if ether_type == TYPE_VLAN {
        ether_type = ctx.number(16)?;
        start += TAG_LEN;
    }
    match ether_type {
        TYPE_IPV4 => Some((Family::V4, start)),
        TYPE_IPV6 => Some((Family::V6, start)),
        _ => None,
    }
}

impl Network {
    /// Finds a UDP datagram's, with as few loads as possible for everything else.
    #[inline(always)]
    pub(crate) fn find(ctx: &impl PacketContext) -> Option<Self> {
        match place(ctx)? {
            (Family::V4, start) => Self::ipv4(ctx, start),
            (Family::V6, start) => Self::ipv6(ctx, start),
        }
    }

    #[inline(always)]
    fn ipv4(ctx: &impl PacketContext, start: usize) -> Option<Self> {
        let header: Ipv4 = read(ctx, start)?;
        let fragment = u16::from_be(header.fragment);
        // A fragment other than the first one has no port to know it by.
        if header.protocol != PROTOCOL_UDP || fragment & FRAGMENT_OFFSET != 0 {
            return None;
        }
        Some(Self {
            source: mapped(header.source.to_ne_bytes()),
            destination: mapped(header.destination.to_ne_bytes()),
            transport: start + usize::from(header.version_and_length & 0x0f) * 4,
            is_as_sent: header.version_and_length == NO_OPTIONS
                && fragment & MORE_FRAGMENTS == 0
                && header.hop_limit == HOP_LIMIT
                && u16::from_be(header.total_length) == PACKET_LEN,
        })
    }

    /// Looks behind one extension header, so that a heartbeat with one is seen to be none of ours; a longer
    /// chain passes like all that is foreign.
    #[inline(always)]
    fn ipv6(ctx: &impl PacketContext, start: usize) -> Option<Self> {
        let header: Ipv6 = read(ctx, start)?;
        let mut transport = start + IPV6_LEN;
        let is_plain = header.next == PROTOCOL_UDP;
        if !is_plain {
            transport += extension(ctx, header.next, transport)?;
        }
        // No such address is on any wire; taken for the IPv4 address, it would be answered as IPv6.
        if is_mapped(&{ header.destination }) {
            return None;
        }
        Some(Self {
            source: header.source,
            destination: header.destination,
            transport,
            is_as_sent: is_plain
                && header.hop_limit == HOP_LIMIT
                && u16::from_be(header.payload_length) == DATAGRAM_LEN,
        })
    }
}

/// Writes a heartbeat's header over that of a packet that is as sent, of the same family. Gives where the UDP
/// header follows.
///
/// Looks for the header's place once more: kept from [`Network::find`] on, it would have the verifier go
/// through everything in between once for every family, with and without a tag.
#[inline(always)]
pub(crate) fn write(ctx: &impl PacketContext, from: &Address, to: &Address) -> Option<usize> {
    // SAFETY: `at` checked the bounds; both headers are made of bytes.
    unsafe {
        match place(ctx)? {
            (Family::V4, start) => {
                *at::<Ipv4>(ctx, start)? = ipv4_header(from, to);
                Some(start + IPV4_LEN)
            }
            (Family::V6, start) => {
                *at::<Ipv6>(ctx, start)? = ipv6_header(from, to);
                Some(start + IPV6_LEN)
            }
        }
    }
}

/// Bytes of the extension header at `offset`, if UDP follows it.
#[inline(always)]
fn extension(ctx: &impl PacketContext, kind: u8, offset: usize) -> Option<usize> {
    let [next, length, high, low]: [u8; 4] = read(ctx, offset)?;
    if next != PROTOCOL_UDP {
        return None;
    }
    match kind {
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => Some(8 + usize::from(length) * 8),
        FRAGMENT => (u16::from_be_bytes([high, low]) & IPV6_FRAGMENT_OFFSET == 0).then_some(8),
        _ => None,
    }
}

#[inline(always)]
fn ipv4_header(from: &Address, to: &Address) -> Ipv4 {
    let mut header = Ipv4 {
        version_and_length: NO_OPTIONS,
        class: CLASS,
        total_length: PACKET_LEN.to_be(),
        id: 0,
        fragment: DONT_FRAGMENT.to_be(),
        hop_limit: HOP_LIMIT,
        protocol: PROTOCOL_UDP,
        checksum: 0,
        source: last_four(from),
        destination: last_four(to),
    };
    // Summed as they lie in memory (RFC 1071, 2(B)).
    let sum = u64::from(u16::from_ne_bytes([NO_OPTIONS, CLASS]))
        + u64::from(PACKET_LEN.to_be())
        + u64::from(DONT_FRAGMENT.to_be())
        + u64::from(u16::from_ne_bytes([HOP_LIMIT, PROTOCOL_UDP]))
        + u64::from(header.source)
        + u64::from(header.destination);
    header.checksum = !fold(sum);
    header
}

#[inline(always)]
const fn ipv6_header(from: &Address, to: &Address) -> Ipv6 {
    Ipv6 {
        version_and_class: VERSION_AND_CLASS,
        payload_length: DATAGRAM_LEN.to_be(),
        next: PROTOCOL_UDP,
        hop_limit: HOP_LIMIT,
        source: *from,
        destination: *to,
    }
}

#[inline(always)]
const fn last_four(address: &Address) -> u32 {
    (address[1] >> 32) as u32
}

/// Sum of an address's words as they lie in memory (RFC 1071, 2(B)). That of a mapped IPv4 address is the IPv4
/// address's own: the prefix adds 0xffff, which folds away.
#[inline(always)]
pub(crate) fn address_sum(address: &Address) -> u64 {
    halves(address[0]) + halves(address[1])
}

/// A word's part of such a sum.
#[inline(always)]
pub(crate) const fn halves(word: u64) -> u64 {
    (word & 0xffff_ffff) + (word >> 32)
}

/// The sum folded to 16 bits.
#[inline(always)]
pub(crate) const fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}
