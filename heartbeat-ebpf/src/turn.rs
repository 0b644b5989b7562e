//! Turning a question's packet into its answer's, in place.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::{bpf_csum_diff, bpf_xdp_store_bytes};
use aya_ebpf::programs::XdpContext;
use heartbeat_wire::Frame;
use heartbeat_wire::decide::Road;
use heartbeat_wire::frame::FRAME_LEN;
use heartbeat_wire::maps::{Address, Config};

use crate::network::{self, DATAGRAM_LEN, PROTOCOL_UDP, address_sum, fold};
use crate::packet::{Ether, UDP_LEN, Udp, at};

/// Turns the packet into one that carries `frame` back along `road`, both ends of which are addresses of the
/// packet's family.
///
/// Every header field that the answer depends on is written anew, so nothing but the sender's hardware
/// address is taken from the question's unsigned part.
#[inline(always)]
pub(crate) fn turn_round(
    ctx: &XdpContext,
    frame: &Frame,
    own_mac: [u8; 6],
    road: &Road<'_>,
    config: &Config,
) -> Option<()> {
    let (from, to) = (road.own, road.other);
    let transport = network::write(ctx, from, to)?;
    let body_sum = store_body(ctx.ctx, (transport + UDP_LEN) as u32, frame)?;
    let ether = at::<Ether>(ctx, 0)?;
    // SAFETY: `at` checked the bounds; the header is made of bytes.
    let ether = unsafe { &mut *ether };
    ether.destination = ether.source;
    ether.source = own_mac;

    let port = config.port.to_be_bytes();
    let udp = Udp {
        source: port,
        destination: port,
        length: DATAGRAM_LEN.to_be_bytes(),
        checksum: udp_checksum(from, to, config.port, body_sum),
    };
    // SAFETY: `at` checked the bounds; the header is made of bytes.
    unsafe { *at::<Udp>(ctx, transport)? = udp };
    Some(())
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

/// Whole UDP checksum (RFC 768; over IPv6 there must be one, RFC 8200): the question's may be only half
/// made, so none is derived from it. The pseudo-headers of both families sum alike.
#[inline(always)]
fn udp_checksum(from: &Address, to: &Address, port: u16, body_sum: u64) -> [u8; 2] {
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
