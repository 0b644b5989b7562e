//! IPv4 packets.

use aya_ebpf::programs::TcContext;
use heartbeat_wire::maps::mapped;
use heartbeat_wire::verdict::GateVerdict;

use super::{Side, guard, read};
use crate::network::IPV4_LEN;

const SOURCE: usize = 12;
const DESTINATION: usize = 16;

#[inline(always)]
pub(super) fn judge(ctx: &TcContext, network: usize, side: Side) -> Option<GateVerdict> {
    let (address, open, shut) = match side {
        Side::In => (DESTINATION, GateVerdict::OpenIn, GateVerdict::ShutIn),
        Side::Out => (SOURCE, GateVerdict::OpenOut, GateVerdict::ShutOut),
    };
    match read(ctx, network, IPV4_LEN, address) {
        Some(address) => guard(&mapped(address), open, shut),
        None => Some(GateVerdict::Unjudged),
    }
}
