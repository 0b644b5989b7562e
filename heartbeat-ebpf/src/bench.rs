//! Entries for `cargo xtask bench datapath`, in an object of its own: the product's code on frames that
//! are all different.
//!
//! The kernel does not restore the packet of a repeated test run, and the second of two equal probes
//! would be `replayed`. So each run first copies the next one of many prepared frames into the packet. What
//! that costs is told by frames that change nothing, which the shipped program can run as well: an entry
//! that only copied would tell something else, since the processor fetches the next frame beside the code.

use core::mem::offset_of;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::btf_maps::Array;
use aya_ebpf::macros::{btf_map, classifier, xdp};
use aya_ebpf::programs::{TcContext, XdpContext};
use heartbeat_wire::frame::FRAME_LEN;

use crate::atomic::Word;
use crate::network::IPV4_LEN;
use crate::packet::{ETHER_LEN, UDP_LEN, at};
use crate::{NEXT, maps};

/// Frames prepared at once; a power of two.
const FRAMES: usize = 1024;
/// Bytes of a frame: Ethernet, IPv4, UDP, body.
const LEN: usize = ETHER_LEN + IPV4_LEN + UDP_LEN + FRAME_LEN;
const WORDS: usize = LEN / 8;

/// A frame, copied in words.
#[repr(C)]
struct Prepared {
    words: [u64; WORDS],
    /// What is left of it behind the words, and room to the next eight bytes.
    rest: [u16; 4],
}

const _: () = assert!(LEN == WORDS * 8 + 2, "one word of 16 bits is left");

/// How the next frame is run.
#[repr(C)]
struct Run {
    /// Number of the next frame.
    next: u64,
    /// Slot whose refusals are not limited; 0: all are, as in the product.
    unlimited_slot: u64,
}

#[btf_map(name = "bench_frames")]
static PREPARED: Array<Prepared, FRAMES> = Array::new();
#[btf_map(name = "bench_run")]
static RUN: Array<Run, 1> = Array::new();

/// What any program costs in a test run.
#[xdp(frags)]
pub fn bench_empty(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// The same in the gate's place.
#[classifier]
pub fn bench_empty_tc(_ctx: TcContext) -> i32 {
    NEXT
}

/// Puts the next frame into the packet and does with it what the product does.
#[xdp(frags)]
pub fn bench_act(ctx: XdpContext) -> u32 {
    match prepare(&ctx) {
        Some(()) => crate::at_xdp(&ctx),
        None => xdp_action::XDP_ABORTED,
    }
}

/// The exchange at its end waits until the frame is in the packet, so that the code behind it does not.
#[inline(always)]
fn prepare(ctx: &XdpContext) -> Option<()> {
    let run = RUN.get_ptr_mut(0)?;
    // SAFETY: a map value of this type, all of whose fields are words.
    let (next, unlimited_slot) = unsafe {
        (
            Word::new(run, offset_of!(Run, next)),
            Word::new(run, offset_of!(Run, unlimited_slot)),
        )
    };
    let number = next.read();
    let prepared = PREPARED.get_ptr((number % FRAMES as u64) as u32)?;
    let words = at::<[u64; WORDS]>(ctx, 0)?;
    let rest = at::<u16>(ctx, WORDS * 8)?;
    // SAFETY: `at` checked the bounds. A test run's packet begins 256 bytes into a page, so its words are
    // aligned; the map value outlives the program.
    unsafe {
        *words = (*prepared).words;
        *rest = (*prepared).rest[0];
    }
    next.exchange(number + 1);
    let slot = unlimited_slot.read() as u16;
    if slot != 0 {
        lift_limits(slot)?;
    }
    Some(())
}

/// Forgets the refusals of this CPU, so that the next one may be sent.
#[inline(always)]
fn lift_limits(slot: u16) -> Option<()> {
    let (limits, last_ns) = (maps::limits()?, maps::last_refusal(slot)?);
    // SAFETY: this CPU's own values; no other program runs on it meanwhile.
    unsafe {
        (*limits).refusals = 0;
        *last_ns = 0;
    }
    Some(())
}
