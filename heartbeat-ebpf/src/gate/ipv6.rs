//! IPv6 packets: their addresses, and neighbour discovery (RFC 4861) behind any extension headers.

use aya_ebpf::programs::TcContext;
use heartbeat_wire::maps::Address;
use heartbeat_wire::verdict::GateVerdict;

use super::{Side, guard, read};
use crate::network::{
    DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, IPV6_FRAGMENT_OFFSET, IPV6_LEN, ROUTING,
};

const NEXT: usize = 6;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;

/// Extension headers that are looked behind; no honest packet has more.
const MOST_EXTENSIONS: usize = 4;
/// The first bytes of every extension header.
type Extension = [u8; 4];
/// Authentication header (RFC 4302), which counts its length in other units.
const AUTHENTICATION: u8 = 51;
/// Where a routing header's list of addresses begins. In a segment list (RFC 8754) the first one is the last
/// stop; the other kinds in use have one.
const STOPS: usize = 8;

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Where both bear the address that they are about.
const TARGET: usize = 8;

#[inline(always)]
pub(super) fn judge(ctx: &TcContext, network: usize, side: Side) -> Option<GateVerdict> {
    let (address, open, shut) = match side {
        Side::In => (DESTINATION, GateVerdict::OpenIn, GateVerdict::ShutIn),
        Side::Out => (SOURCE, GateVerdict::OpenOut, GateVerdict::ShutOut),
    };
    let (Some(address), Some(next)) = (
        read(ctx, network, IPV6_LEN, address),
        read(ctx, network, IPV6_LEN, NEXT),
    ) else {
        return Some(GateVerdict::Unjudged);
    };
    let verdict = guard(&address, open, shut);
    if verdict.is_some() {
        return verdict;
    }
    behind(ctx, next, network + IPV6_LEN, side)
}

/// Follows the extension headers to what they carry. A chain that ends early or does not end is not judged,
/// since it could carry what must not pass.
#[inline(always)]
fn behind(ctx: &TcContext, mut next: u8, mut offset: usize, side: Side) -> Option<GateVerdict> {
    for _ in 0..=MOST_EXTENSIONS {
        match next {
            ICMPV6 => return discovery(ctx, offset, side),
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS | AUTHENTICATION => {}
            _ => return None,
        }
        let Ok([follows, length, third, fourth]) = ctx.load::<Extension>(offset) else {
            return Some(GateVerdict::Unjudged);
        };
        let bytes = match next {
            FRAGMENT => {
                // What follows is the middle of something; its beginning came in another packet.
                if u16::from_be_bytes([third, fourth]) & IPV6_FRAGMENT_OFFSET != 0 {
                    return None;
                }
                8
            }
            AUTHENTICATION => (usize::from(length) + 2) * 4,
            _ => {
                // `fourth` is how many stops are left: the destination is not where the packet ends.
                if next == ROUTING && fourth != 0 && matches!(side, Side::In) {
                    let verdict = last_stop(ctx, offset);
                    if verdict.is_some() {
                        return verdict;
                    }
                }
                (usize::from(length) + 1) * 8
            }
        };
        next = follows;
        offset += bytes;
    }
    Some(GateVerdict::Unjudged)
}

#[inline(always)]
fn last_stop(ctx: &TcContext, offset: usize) -> Option<GateVerdict> {
    match ctx.load::<Address>(offset + STOPS) {
        Ok(stop) => guard(&stop, GateVerdict::OpenIn, GateVerdict::ShutIn),
        Err(_) => Some(GateVerdict::Unjudged),
    }
}

/// Out goes no advertisement of the address, whatever its source; in comes no question for it. A slave's own
/// question and the new master's advertisement go the other way each.
#[inline(always)]
fn discovery(ctx: &TcContext, offset: usize, side: Side) -> Option<GateVerdict> {
    let Ok(kind) = ctx.load::<u8>(offset) else {
        return Some(GateVerdict::Unjudged);
    };
    let (open, shut) = match (kind, side) {
        (ADVERTISEMENT, Side::Out) => (GateVerdict::OpenOut, GateVerdict::ShutAnswer),
        (SOLICITATION, Side::In) => (GateVerdict::OpenIn, GateVerdict::ShutQuestion),
        _ => return None,
    };
    match ctx.load::<Address>(offset + TARGET) {
        Ok(target) => guard(&target, open, shut),
        Err(_) => Some(GateVerdict::Unjudged),
    }
}
