//! Turning a question's packet into its answer's, in place.

use heartbeat_wire::Frame;
use heartbeat_wire::decide::Road;
use heartbeat_wire::frame::FRAME_WORDS;
use heartbeat_wire::maps::{Address, Config};

use crate::context::PacketContext;
use crate::network::{self, DATAGRAM_LEN, PROTOCOL_UDP, address_sum, fold, halves};
use crate::packet::{Ether, UDP_LEN, Udp, at};

/// Turns the packet into one that carries `frame` back along `road`, both ends of which are addresses of the
/// packet's family.
///
/// Every header field that the answer depends on is written anew, so nothing but the sender's hardware
/// address is taken from the question's unsigned part.
#[inline(always)]
pub(crate) fn turn_round(
    ctx: &impl PacketContext,
    frame: &Frame,
    own_mac: [u8; 6],
    road: &Road<'_>,
    config: &Config,
) -> Option<()> {
    let (from, to) = (road.own, road.other);
    let transport = network::write(ctx, from, to)?;
    let body_sum = store_body(ctx, transport + UDP_LEN, frame)?;
    let ether = at::<Ether>(ctx, 0)?;
    // SAFETY: `at` checked the bounds; the header is made of bytes.
    let ether = unsafe { &mut *ether };
    ether.destination = ether.source;
    ether.source = own_mac;

    let port = config.port.to_be();
    let udp = Udp {
        source: port,
        destination: port,
        length: DATAGRAM_LEN.to_be(),
        checksum: udp_checksum(from, to, port, body_sum),
    };
    // SAFETY: `at` checked the bounds; the header may lie anywhere.
    unsafe { *at::<Udp>(ctx, transport)? = udp };
    Some(())
}

/// Writes the body into the packet; returns the unfolded sum of its words as they lie in memory.
#[inline(always)]
fn store_body(ctx: &impl PacketContext, offset: usize, frame: &Frame) -> Option<u64> {
    let place = at::<[u64; FRAME_WORDS]>(ctx, offset)?.cast::<u64>();
    let mut sum = 0;
    for (number, word) in frame.as_words().iter().enumerate() {
        // SAFETY: `at` checked the bounds of all words.
        unsafe { place.add(number).write_unaligned(*word) };
        sum += halves(*word);
    }
    Some(sum)
}

/// Whole UDP checksum (RFC 768; over IPv6 there must be one, RFC 8200): the question's may be only half
/// made, so none is derived from it. The pseudo-headers of both families sum alike.
///
/// Summed as the words lie in memory (RFC 1071, 2(B)); `port` as it lies there.
#[inline(always)]
fn udp_checksum(from: &Address, to: &Address, port: u16, body_sum: u64) -> u16 {
    let sum = halves(address_sum(from) + address_sum(to))
        + u64::from(u16::from(PROTOCOL_UDP).to_be())
        + 2 * u64::from(DATAGRAM_LEN.to_be())
        + 2 * u64::from(port)
        + halves(body_sum);
    let checksum = !fold(sum);
    // Zero would say that there is none.
    if checksum == 0 { u16::MAX } else { checksum }
}
