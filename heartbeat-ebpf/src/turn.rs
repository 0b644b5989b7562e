//! Turning a question's packet into its answer's, in place.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::{bpf_csum_diff, bpf_xdp_store_bytes};
use aya_ebpf::programs::XdpContext;
use heartbeat_wire::Frame;
use heartbeat_wire::frame::{FRAME_LEN, HOP_LIMIT};
use heartbeat_wire::maps::{Address, Config};

use crate::packet::{
    DATAGRAM_LEN, Datagram, Ether, IPV4_LEN, Ipv4, NO_OPTIONS, PACKET_LEN, PROTOCOL_UDP, Udp, at,
};

const DONT_FRAGMENT: u16 = 0x4000;
/// DSCP CS6, network control (RFC 4594), as the byte in the header.
const CLASS: u8 = 48 << 2;

impl Datagram {
    /// Turns the packet into one that carries `frame` to `to`, an IPv4 address, from this node.
    ///
    /// Every header field that the answer depends on is written anew, so nothing but the sender's
    /// hardware address is taken from the question's unsigned part.
    #[inline(always)]
    pub(crate) fn turn_round(
        &self,
        ctx: &XdpContext,
        frame: &Frame,
        own_mac: [u8; 6],
        to: &Address,
        config: &Config,
    ) -> Option<()> {
        let (from, to) = (last_four(&config.own_address), last_four(to));
        let body_sum = store_body(ctx.ctx, self.body_offset(), frame)?;
        let ether = at::<Ether>(ctx, 0)?;
        // SAFETY: `at` checked the bounds; the header is made of bytes.
        let ether = unsafe { &mut *ether };
        ether.destination = ether.source;
        ether.source = own_mac;

        let mut header = Ipv4 {
            version_and_length: NO_OPTIONS,
            class: CLASS,
            total_length: PACKET_LEN.to_be_bytes(),
            id: [0; 2],
            fragment: DONT_FRAGMENT.to_be_bytes(),
            hop_limit: HOP_LIMIT,
            protocol: PROTOCOL_UDP,
            checksum: [0; 2],
            source: from,
            destination: to,
        };
        header.checksum = (!fold(header_sum(&header))).to_be_bytes();
        let port = config.port.to_be_bytes();
        let udp = Udp {
            source: port,
            destination: port,
            length: DATAGRAM_LEN.to_be_bytes(),
            checksum: udp_checksum(from, to, config.port, body_sum),
        };
        // SAFETY: `at` checked the bounds; both headers are made of bytes.
        unsafe {
            *at::<Ipv4>(ctx, self.network)? = header;
            *at::<Udp>(ctx, self.network + IPV4_LEN)? = udp;
        }
        Some(())
    }
}

#[inline(always)]
const fn last_four(address: &Address) -> [u8; 4] {
    [address[12], address[13], address[14], address[15]]
}

/// Writes the body into the packet; returns its unfolded Internet checksum in the packet's byte order.
#[inline(always)]
fn store_body(ctx: *mut xdp_md, offset: u32, frame: &Frame) -> Option<u64> {
    let bytes = core::ptr::from_ref(frame).cast_mut();
    // SAFETY: both helpers read FRAME_LEN initialised bytes from `frame`, which has no padding.
    let (stored, sum) = unsafe {
        (
            bpf_xdp_store_bytes(ctx, offset, bytes.cast(), FRAME_LEN as u32),
            bpf_csum_diff(core::ptr::null_mut(), 0, bytes.cast(), FRAME_LEN as u32, 0),
        )
    };
    (stored == 0 && sum >= 0).then_some(sum as u64)
}

/// Sum of the header's 16-bit words (RFC 791), in network byte order.
#[inline(always)]
fn header_sum(header: &Ipv4) -> u64 {
    u64::from(u16::from_be_bytes([
        header.version_and_length,
        header.class,
    ])) + u64::from(u16::from_be_bytes(header.total_length))
        + u64::from(u16::from_be_bytes(header.fragment))
        + u64::from(u16::from_be_bytes([header.hop_limit, header.protocol]))
        + address_sum(header.source)
        + address_sum(header.destination)
}

#[inline(always)]
fn address_sum(address: [u8; 4]) -> u64 {
    u64::from(u16::from_be_bytes([address[0], address[1]]))
        + u64::from(u16::from_be_bytes([address[2], address[3]]))
}

/// Whole UDP checksum (RFC 768): the question's may be only half made, so none is derived from it.
#[inline(always)]
fn udp_checksum(from: [u8; 4], to: [u8; 4], port: u16, body_sum: u64) -> [u8; 2] {
    // The helper sums words as this little-endian machine loads them (RFC 1071, 2(B)).
    let body = u64::from(fold(body_sum).swap_bytes());
    let sum = address_sum(from)
        + address_sum(to)
        + u64::from(PROTOCOL_UDP)
        + 2 * u64::from(DATAGRAM_LEN)
        + 2 * u64::from(port)
        + body;
    let checksum = !fold(sum);
    // Zero would say that there is none.
    if checksum == 0 { u16::MAX } else { checksum }.to_be_bytes()
}

#[inline(always)]
const fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}
