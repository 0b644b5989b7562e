//! ARP for IPv4 over Ethernet (RFC 826).

use aya_ebpf::programs::TcContext;
use heartbeat_wire::maps::mapped;
use heartbeat_wire::verdict::GateVerdict;

use super::{Side, guard, part, read};
use crate::packet::TYPE_IPV4;

type Packet = [u8; 28];
const PROTOCOL: usize = 2;
const LENGTHS: usize = 4;
const OPERATION: usize = 6;
const SENDER: usize = 14;
const TARGET: usize = 24;
/// Hardware and protocol address lengths of Ethernet and IPv4.
const ETHERNET_AND_IPV4: [u8; 2] = [6, 4];
const REQUEST: [u8; 2] = [0, 1];

#[inline(always)]
pub(super) fn judge(ctx: &TcContext, network: usize, side: Side) -> Option<GateVerdict> {
    let Some(packet) = read::<Packet>(ctx, network) else {
        return Some(GateVerdict::Unjudged);
    };
    if u16::from_be_bytes(part(&packet, PROTOCOL)) != TYPE_IPV4 {
        return None;
    }
    if part(&packet, LENGTHS) != ETHERNET_AND_IPV4 {
        return Some(GateVerdict::Unjudged);
    }
    let (sender, target): ([u8; 4], [u8; 4]) = (part(&packet, SENDER), part(&packet, TARGET));
    match side {
        // Answers and announcements; a slave's own question for the address has another sender.
        Side::Out => guard(
            &mapped(sender),
            GateVerdict::OpenOut,
            GateVerdict::ShutAnswer,
        ),
        // Questions; a request whose sender asks for itself is the new master's announcement.
        Side::In if part(&packet, OPERATION) == REQUEST && sender != target => guard(
            &mapped(target),
            GateVerdict::OpenIn,
            GateVerdict::ShutQuestion,
        ),
        Side::In => None,
    }
}
