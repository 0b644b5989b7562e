//! ARP for IPv4 over Ethernet (RFC 826).

use aya_ebpf::programs::TcContext;
use heartbeat_wire::maps::mapped;
use heartbeat_wire::verdict::GateVerdict;

use super::{Side, guard, read, read_u16};
use crate::packet::TYPE_IPV4;

const LENGTH: usize = 28;
const PROTOCOL: usize = 2;
const LENGTHS: usize = 4;
const OPERATION: usize = 6;
const SENDER: usize = 14;
const TARGET: usize = 24;
/// Hardware and protocol address lengths of Ethernet and IPv4.
const ETHERNET_AND_IPV4: u16 = 0x0604;
const REQUEST: u16 = 1;

#[inline(always)]
pub(super) fn judge(ctx: &TcContext, network: usize, side: Side) -> Option<GateVerdict> {
    judge_whole(ctx, network, side).unwrap_or(Some(GateVerdict::Unjudged))
}

/// `None` if the packet is too short or too odd.
#[inline(always)]
fn judge_whole(ctx: &TcContext, network: usize, side: Side) -> Option<Option<GateVerdict>> {
    if read_u16(ctx, network, LENGTH, PROTOCOL)? != TYPE_IPV4 {
        return Some(None);
    }
    if read_u16(ctx, network, LENGTH, LENGTHS)? != ETHERNET_AND_IPV4 {
        return None;
    }
    let sender: [u8; 4] = read(ctx, network, LENGTH, SENDER)?;
    let target: [u8; 4] = read(ctx, network, LENGTH, TARGET)?;
    let operation = read_u16(ctx, network, LENGTH, OPERATION)?;
    Some(match side {
        // Answers and announcements; a slave's own question for the address has another sender.
        Side::Out => guard(
            &mapped(sender),
            GateVerdict::OpenOut,
            GateVerdict::ShutAnswer,
        ),
        // Questions; a request whose sender asks for itself is the new master's announcement.
        Side::In if operation == REQUEST && sender != target => guard(
            &mapped(target),
            GateVerdict::OpenIn,
            GateVerdict::ShutQuestion,
        ),
        Side::In => None,
    })
}
