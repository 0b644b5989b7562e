//! IPv4 packets.

use aya_ebpf::programs::TcContext;
use heartbeat_wire::maps::mapped;
use heartbeat_wire::verdict::GateVerdict;

use super::{Side, guard, part, read};

/// A header without its options.
type Header = [u8; 20];
const SOURCE: usize = 12;
const DESTINATION: usize = 16;

#[inline(always)]
pub(super) fn judge(ctx: &TcContext, network: usize, side: Side) -> Option<GateVerdict> {
    let Some(header) = read::<Header>(ctx, network) else {
        return Some(GateVerdict::Unjudged);
    };
    let (address, open, shut) = match side {
        Side::In => (DESTINATION, GateVerdict::OpenIn, GateVerdict::ShutIn),
        Side::Out => (SOURCE, GateVerdict::OpenOut, GateVerdict::ShutOut),
    };
    guard(&mapped(part(&header, address)), open, shut)
}
