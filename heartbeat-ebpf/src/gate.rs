//! The gate: traffic of a virtual address passes only while this node's lease holds.
//!
//! "Traffic of the address" goes by direction, so that a slave remains its client: what leaves is judged
//! by its source, what enters by its destination.

mod arp;
mod ipv4;
mod ipv6;

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use aya_ebpf::programs::TcContext;
use heartbeat_wire::gate::{
    gate_is_open, slot_gate_is_open, slot_lease_is_open, taken_gate_is_open,
};
use heartbeat_wire::maps::{Address, Grant, mark};
use heartbeat_wire::verdict::GateVerdict;

use crate::maps;
use crate::packet::{ETHER_LEN, TAG_LEN, TYPE_ARP, TYPE_IPV4, TYPE_IPV6, is_tag};

/// Which way a packet goes.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    /// Into this node.
    In,
    /// Out of it, onto the wire or to `lo`.
    Out,
}

/// What was done with a packet; `None` if it is not of a virtual address.
#[inline(always)]
pub(crate) fn judge(ctx: &TcContext, side: Side) -> Option<GateVerdict> {
    let Some((ether_type, network)) = network_layer(ctx) else {
        return Some(GateVerdict::Unjudged);
    };
    match ether_type {
        TYPE_IPV4 => ipv4::judge(ctx, network, side),
        TYPE_ARP => arp::judge(ctx, network, side),
        TYPE_IPV6 => ipv6::judge(ctx, network, side),
        _ => None,
    }
}

/// EtherType and offset of the network layer, behind at most two tags in the frame's bytes (a packet
/// socket can write them; one that the hardware adds or strips is not among the bytes).
#[inline(always)]
fn network_layer(ctx: &TcContext) -> Option<(u16, usize)> {
    let mut network = ETHER_LEN;
    let mut ether_type = read_u16(ctx, network - 2, 2, 0)?;
    for _ in 0..2 {
        if !is_tag(ether_type) {
            break;
        }
        network += TAG_LEN;
        ether_type = read_u16(ctx, network - 2, 2, 0)?;
    }
    Some((ether_type, network))
}

/// Whom a virtual address follows.
struct Followed {
    /// The slot that it belongs to, 0 for the master.
    slot: u32,
    is_leased: bool,
}

/// `None` for an address that is not virtual; else `open` or `shut`, as the lease stands.
#[inline(always)]
fn guard(address: &Address, open: GateVerdict, shut: GateVerdict) -> Option<GateVerdict> {
    let followed = followed_by(address)?;
    let is_open = match followed.slot {
        0 => lease_holds(),
        slot if followed.is_leased => is_borne(slot),
        slot => is_own(slot),
    };
    Some(if is_open.unwrap_or(false) { open } else { shut })
}

/// `None` for an address that is not virtual.
#[inline(always)]
fn followed_by(address: &Address) -> Option<Followed> {
    let guard = maps::guard()?;
    if guard.marks & mark(address) == 0 {
        return None;
    }
    let mut first = guard.first.iter();
    match first.find(|entry| entry.address == *address && entry.is_used != 0) {
        Some(entry) => Some(Followed {
            slot: entry.follows_slot,
            is_leased: entry.is_leased != 0,
        }),
        None => maps::vip(address).map(|vip| Followed {
            slot: vip.follows_slot,
            is_leased: vip.is_leased != 0,
        }),
    }
}

/// Whether this node is the only one in that slot, as far as it was seen.
#[inline(always)]
fn is_own(slot: u32) -> Option<bool> {
    let (grant, config) = (maps::grant()?, maps::config()?);
    let grant = Grant {
        duplicate_ns: grant.duplicate_ns().read(),
        ..Grant::default()
    };
    // SAFETY: the helper takes nothing.
    let now_ns = unsafe { bpf_ktime_get_boot_ns() };
    Some(slot_gate_is_open(
        slot,
        config.slot,
        &grant,
        config.max_lease_ns,
        now_ns,
    ))
}

/// Whether this node bears the addresses of that slot that go by a lease: its own by the slot's lease, another's as
/// the master that took it over.
#[inline(always)]
fn is_borne(slot: u32) -> Option<bool> {
    let (control, grant, config) = (maps::control()?, maps::grant()?, maps::config()?);
    if slot != u32::from(config.slot) {
        let taken_epoch = maps::taken(slot)?;
        let lease_epoch = control.lease_epoch().read();
        return Some(taken_gate_is_open(taken_epoch, lease_epoch, lease_holds()?));
    }
    let slot_lease_ns = control.slot_lease_ns().read();
    let grant = Grant {
        duplicate_ns: grant.duplicate_ns().read(),
        ..Grant::default()
    };
    // SAFETY: the helper takes nothing.
    let now_ns = unsafe { bpf_ktime_get_boot_ns() };
    Some(slot_lease_is_open(
        slot_lease_ns,
        &grant,
        config.max_lease_ns,
        now_ns,
    ))
}

#[inline(always)]
fn lease_holds() -> Option<bool> {
    let (control, grant, config) = (maps::control()?, maps::grant()?, maps::config()?);
    let deadline_ns = control.lease_deadline_ns().read();
    let lease_epoch = control.lease_epoch().read();
    let grant = Grant {
        probed_epoch: grant.probed_epoch().read(),
        duplicate_ns: grant.duplicate_ns().read(),
        ..Grant::default()
    };
    // Last of all: the clock is what costs, and a time read before the words would be too kind.
    // SAFETY: the helper takes nothing.
    let now_ns = unsafe { bpf_ktime_get_boot_ns() };
    Some(gate_is_open(
        deadline_ns,
        lease_epoch,
        &grant,
        config.max_lease_ns,
        now_ns,
    ))
}

/// The `T` at `offset` of a header of `length` bytes that begins at `header`, from the packet's first buffer or,
/// for a packet that is scattered, by the helper; `None` if the packet ends before the header does.
#[inline(always)]
fn read<T: Copy>(ctx: &TcContext, header: usize, length: usize, offset: usize) -> Option<T> {
    let start = ctx.data() + header;
    if start + length <= ctx.data_end() {
        // SAFETY: the bounds are checked; every T here is an integer or made of bytes.
        return Some(unsafe { ((start + offset) as *const T).read_unaligned() });
    }
    if header + length > ctx.len() as usize {
        return None;
    }
    ctx.load(header + offset).ok()
}

/// The same for a number in network byte order.
#[inline(always)]
fn read_u16(ctx: &TcContext, header: usize, length: usize, offset: usize) -> Option<u16> {
    read(ctx, header, length, offset).map(u16::from_be)
}
