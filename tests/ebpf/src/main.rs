//! The lab's faulty wires: what a bridge port does to the frames of the node behind it.
//!
//! One object is loaded for each port, so each port has maps of its own. The two directions are
//! named from the node's side: what it sends passes the port's tcx ingress, what it receives the
//! port's tcx egress (Linux 6.6). With nothing set every frame passes.
#![no_std]
#![no_main]

use aya_ebpf::{
    bindings::xdp_action,
    btf_maps::{Array, PerCpuArray},
    helpers::bpf_get_prandom_u32,
    macros::{btf_map, classifier, xdp},
    programs::{TcContext, XdpContext},
};

/// What a classifier says for "not my business, ask the next one" (`TCX_NEXT`, linux/bpf.h).
const TCX_NEXT: i32 = -1;
/// What a classifier says for "away with it" (`TC_ACT_SHOT`, linux/pkt_cls.h).
const SHOT: i32 = 2;
/// `BPF_F_INGRESS` of bpf_clone_redirect: the copy is received, not sent, by the device.
const COPY_IS_RECEIVED: u64 = 1;
/// Mark on a copy made here, so that the copy is not judged, counted and copied once more.
const COPY_MARK: u32 = 0x6862_6c32;

/// First of a direction's places in both maps: what the node sends.
const FROM_NODE: u32 = 0;
/// First of a direction's places in both maps: what the node receives.
const TO_NODE: u32 = 8;
/// Place after the direction's first: frames lost (`LAB_FAULT`: of a thousand; `LAB_COUNT`: so far).
const LOST: u32 = 0;
/// Place after the direction's first: frames doubled, likewise.
const DOUBLED: u32 = 1;
/// Place after the direction's first, only in `LAB_COUNT`: frames seen, lost and doubled included.
const SEEN: u32 = 2;

/// Place after the direction's first: announcements lost (`LAB_FAULT`: bit n set for ARP operation n).
const UNHEARD: u32 = 3;

/// EtherType of ARP, and where an Ethernet frame has it.
const ARP: u16 = 0x0806;
const ETHER_TYPE: usize = 12;
/// Where an ARP frame has its operation and its two protocol addresses.
const OPERATION: usize = 20;
const SENDER: usize = 28;
const TARGET: usize = 38;

/// Place after the direction's first, only in `LAB_FAULT`: which class of frames is lost, 0 for none.
const CLASS: u32 = 4;
/// The class of frames to a multicast group.
const GROUPS: u64 = 1;
/// The class of frames to the heartbeats' port.
const HEARTBEATS: u64 = 2;
/// UDP port of the heartbeats in the lab.
const HEARTBEAT_PORT: u16 = 7405;

/// How many of a thousand frames meet which fault; written by the lab.
#[btf_map]
static LAB_FAULT: Array<u64, 16> = Array::new();

/// How many frames met which fate; the witness that a fault was really at work.
#[btf_map]
static LAB_COUNT: PerCpuArray<u64, 16> = PerCpuArray::new();

/// Lets everything pass. It must be there: a veth delivers what its peer answers by `XDP_TX` only
/// if it carries an XDP program itself.
#[xdp(frags)]
pub fn lab_pass(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// What the node sends, on its way into the bridge.
#[classifier]
pub fn lab_from_node(frame: TcContext) -> i32 {
    judge(&frame, FROM_NODE, COPY_IS_RECEIVED)
}

/// What the bridge sends to the node.
#[classifier]
pub fn lab_to_node(frame: TcContext) -> i32 {
    judge(&frame, TO_NODE, 0)
}

#[inline(always)]
fn judge(frame: &TcContext, direction: u32, copy_flags: u64) -> i32 {
    if mark_of(frame) == COPY_MARK {
        frame.set_mark(0);
        return TCX_NEXT;
    }
    count(direction + SEEN);
    if meets(direction + LOST) || is_of_lost_class(frame, direction) {
        count(direction + LOST);
        return SHOT;
    }
    if is_unheard(frame, direction + UNHEARD) {
        count(direction + UNHEARD);
        return SHOT;
    }
    if meets(direction + DOUBLED) {
        frame.set_mark(COPY_MARK);
        if frame.clone_redirect(interface_of(frame), copy_flags).is_ok() {
            count(direction + DOUBLED);
        }
        frame.set_mark(0);
    }
    TCX_NEXT
}

#[inline(always)]
fn is_of_lost_class(frame: &TcContext, direction: u32) -> bool {
    match setting(direction + CLASS) {
        GROUPS => matches!(frame.load::<[u8; 2]>(0), Ok([0x01, 0x00] | [0x33, 0x33])),
        HEARTBEATS => udp_port(frame) == Some(HEARTBEAT_PORT),
        _ => false,
    }
}

/// Destination port of a UDP datagram without a tag and without IP options.
#[inline(always)]
fn udp_port(frame: &TcContext) -> Option<u16> {
    const UDP: u8 = 17;
    let (protocol, port) = match frame.load::<[u8; 2]>(12).ok()? {
        [0x08, 0x00] => (23, 36),
        [0x86, 0xdd] => (20, 56),
        _ => return None,
    };
    if frame.load::<u8>(protocol).ok()? != UDP {
        return None;
    }
    frame.load(port).ok().map(u16::from_be_bytes)
}

#[inline(always)]
fn setting(place: u32) -> u64 {
    // SAFETY: a pointer that a map lookup returned stays readable while the program runs; the lab
    // may write at the same time, and an aligned 64-bit read is never torn.
    LAB_FAULT.get_ptr(place).map_or(0, |word| unsafe { word.read_volatile() })
}

/// Whether this frame meets the fault at `place`: always at 1,000 of a thousand, never at 0.
#[inline(always)]
fn meets(place: u32) -> bool {
    let per_mille = setting(place);
    // SAFETY: the helper takes nothing and has no precondition.
    per_mille > 0 && u64::from(unsafe { bpf_get_prandom_u32() } % 1_000) < per_mille
}

/// Whether this is an announcement (ARP in which the sender is the target) of a form that nobody hears.
#[inline(always)]
fn is_unheard(frame: &TcContext, place: u32) -> bool {
    let Some(forms) = LAB_FAULT.get_ptr(place) else {
        return false;
    };
    // SAFETY: as in `meets`.
    let forms = unsafe { forms.read_volatile() };
    if forms == 0 {
        return false;
    }
    let two = |at| frame.load::<[u8; 2]>(at).map(u16::from_be_bytes).unwrap_or(0);
    let four = |at| frame.load::<[u8; 4]>(at).unwrap_or([0; 4]);
    two(ETHER_TYPE) == ARP
        && four(SENDER) == four(TARGET)
        && forms & (1 << (u64::from(two(OPERATION)) & 63)) != 0
}

#[inline(always)]
fn count(place: u32) {
    if let Some(counter) = LAB_COUNT.get_ptr_mut(place) {
        // SAFETY: the slot belongs to this CPU, and classifiers run with preemption of their kind
        // off, so nobody else writes it meanwhile.
        unsafe { *counter += 1 };
    }
}

#[inline(always)]
fn mark_of(frame: &TcContext) -> u32 {
    // SAFETY: the kernel hands a valid __sk_buff to the program for the whole of its run.
    unsafe { (*frame.skb.skb).mark }
}

#[inline(always)]
fn interface_of(frame: &TcContext) -> u32 {
    // SAFETY: as for the mark.
    unsafe { (*frame.skb.skb).ifindex }
}

#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

// The kernel lends some helpers only to programs under the GPL.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
