//! The gate: traffic of a virtual address passes only while this node's lease holds.
//!
//! "Traffic of the address" goes by direction, so that a slave remains its client: what leaves is judged
//! by its source, what enters by its destination.

use aya_ebpf::helpers::bpf_ktime_get_boot_ns;
use aya_ebpf::programs::TcContext;
use heartbeat_wire::gate::{gate_is_open, slot_gate_is_open};
use heartbeat_wire::maps::{Grant, mapped};
use heartbeat_wire::verdict::GateVerdict;

use crate::maps;
use crate::packet::{ETHER_LEN, TAG_LEN, TYPE_ARP, TYPE_IPV4, is_tag};

/// Which way a packet goes.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    /// Into this node.
    In,
    /// Out of it, onto the wire or to `lo`.
    Out,
}

/// An IPv4 header without its options.
type Ipv4 = [u8; 20];
const IPV4_SOURCE: usize = 12;
const IPV4_DESTINATION: usize = 16;

/// An ARP packet for IPv4 over Ethernet (RFC 826).
type Arp = [u8; 28];
const ARP_PROTOCOL: usize = 2;
const ARP_LENGTHS: usize = 4;
const ARP_OPERATION: usize = 6;
const ARP_SENDER: usize = 14;
const ARP_TARGET: usize = 24;
/// Hardware and protocol address lengths of Ethernet and IPv4.
const ETHERNET_AND_IPV4: [u8; 2] = [6, 4];
const ARP_REQUEST: [u8; 2] = [0, 1];

/// What was done with a packet; `None` if it is not of a virtual address.
#[inline(always)]
pub(crate) fn judge(ctx: &TcContext, side: Side) -> Option<GateVerdict> {
    let Some((ether_type, network)) = network_layer(ctx) else {
        return Some(GateVerdict::Unjudged);
    };
    match (ether_type, side) {
        (TYPE_IPV4, _) => match read::<Ipv4>(ctx, network) {
            Some(header) => ipv4(&header, side),
            None => Some(GateVerdict::Unjudged),
        },
        (TYPE_ARP, _) => match read::<Arp>(ctx, network) {
            Some(packet) => arp(&packet, side),
            None => Some(GateVerdict::Unjudged),
        },
        (_, Side::In | Side::Out) => None,
    }
}

/// EtherType and offset of the network layer, behind at most two tags in the frame's bytes (a packet
/// socket can write them; one that the hardware adds or strips is not among the bytes).
#[inline(always)]
fn network_layer(ctx: &TcContext) -> Option<(u16, usize)> {
    let mut network = ETHER_LEN;
    let mut ether_type = u16::from_be_bytes(read(ctx, network - 2)?);
    for _ in 0..2 {
        if !is_tag(ether_type) {
            break;
        }
        network += TAG_LEN;
        ether_type = u16::from_be_bytes(read(ctx, network - 2)?);
    }
    Some((ether_type, network))
}

#[inline(always)]
fn ipv4(header: &Ipv4, side: Side) -> Option<GateVerdict> {
    let (address, open, shut) = match side {
        Side::In => (IPV4_DESTINATION, GateVerdict::OpenIn, GateVerdict::ShutIn),
        Side::Out => (IPV4_SOURCE, GateVerdict::OpenOut, GateVerdict::ShutOut),
    };
    guard(four(header, address), open, shut)
}

#[inline(always)]
fn arp(packet: &Arp, side: Side) -> Option<GateVerdict> {
    if u16::from_be_bytes(two(packet, ARP_PROTOCOL)) != TYPE_IPV4 {
        return None;
    }
    if two(packet, ARP_LENGTHS) != ETHERNET_AND_IPV4 {
        return Some(GateVerdict::Unjudged);
    }
    let (sender, target) = (four(packet, ARP_SENDER), four(packet, ARP_TARGET));
    match side {
        // Answers and announcements; a slave's own question for the address has another sender.
        Side::Out => guard(sender, GateVerdict::OpenOut, GateVerdict::ShutAnswer),
        // Questions; a request whose sender asks for itself is the new master's announcement.
        Side::In if two(packet, ARP_OPERATION) == ARP_REQUEST && sender != target => {
            guard(target, GateVerdict::OpenIn, GateVerdict::ShutQuestion)
        }
        Side::In => None,
    }
}

/// `None` for an address that is not virtual; else `open` or `shut`, as the lease stands.
#[inline(always)]
fn guard(address: [u8; 4], open: GateVerdict, shut: GateVerdict) -> Option<GateVerdict> {
    let vip = maps::vip(&mapped(address))?;
    let is_open = match vip.follows_slot {
        0 => lease_holds(),
        slot => is_own(slot),
    };
    Some(if is_open.unwrap_or(false) { open } else { shut })
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

/// `N` bytes at `offset`, from the packet's first buffer or, for one that is scattered, by the helper;
/// `None` if the packet ends before.
#[inline(always)]
fn read<T: Copy>(ctx: &TcContext, offset: usize) -> Option<T> {
    let start = ctx.data() + offset;
    if start + size_of::<T>() <= ctx.data_end() {
        // SAFETY: the bounds are checked, and every T here is made of bytes, so aligned anywhere.
        return Some(unsafe { *(start as *const T) });
    }
    ctx.load(offset).ok()
}

#[inline(always)]
fn two<const N: usize>(bytes: &[u8; N], offset: usize) -> [u8; 2] {
    [bytes[offset], bytes[offset + 1]]
}

#[inline(always)]
fn four<const N: usize>(bytes: &[u8; N], offset: usize) -> [u8; 4] {
    [
        bytes[offset],
        bytes[offset + 1],
        bytes[offset + 2],
        bytes[offset + 3],
    ]
}
