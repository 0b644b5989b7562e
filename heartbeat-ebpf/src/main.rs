//! heartbeatd's kernel programs: the responder (XDP, or tcx ingress) and the gate (tcx or filters, both directions).
//!
//! Each entry point is one match from what was done with a packet to the kernel's action.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch, core_intrinsics)]
#![expect(
    internal_features,
    reason = "the BPF target has no atomic compare-and-swap outside the compiler's intrinsics"
)]

mod atomic;
#[cfg(feature = "bench")]
mod bench;
mod context;
mod counter;
mod event;
mod gate;
mod limit;
mod maps;
mod network;
mod packet;
mod responder;
mod turn;

use aya_ebpf::bindings::{TC_ACT_SHOT, xdp_action};
use aya_ebpf::helpers::bpf_redirect;
use aya_ebpf::macros::{classifier, xdp};
use aya_ebpf::programs::{TcContext, XdpContext};
use heartbeat_wire::Verdict;
use heartbeat_wire::verdict::GateVerdict;

use context::{PacketContext, show_ether};
use gate::Side;

/// TCX_NEXT (linux/bpf.h), TC_ACT_UNSPEC to a filter: on to the next program. TC_ACT_OK would end the chain and
/// skip it.
const NEXT: i32 = -1;

/// TC_PRIO_CONTROL (linux/pkt_sched.h), which is what the daemon sends probes with.
const PRIORITY: u32 = 7;

/// Answers probes and queries, counts replies. With `frags`: jumbo frames need not be refused.
#[xdp(frags)]
pub fn heartbeat(ctx: XdpContext) -> u32 {
    at_xdp(&ctx)
}

#[inline(always)]
fn at_xdp(ctx: &XdpContext) -> u32 {
    match act(ctx) {
        Action::Pass => xdp_action::XDP_PASS,
        Action::Drop => xdp_action::XDP_DROP,
        Action::SendBack => xdp_action::XDP_TX,
    }
}

/// The same at tcx ingress, for an interface whose place for an XDP program is taken.
#[classifier]
pub fn heartbeat_tc(ctx: TcContext) -> i32 {
    show_ether(&ctx);
    at_tcx(&ctx)
}

#[inline(always)]
fn at_tcx(ctx: &TcContext) -> i32 {
    match act(ctx) {
        Action::Pass => NEXT,
        Action::Drop => TC_ACT_SHOT,
        Action::SendBack => send_back(ctx),
    }
}

/// Has the kernel send the packet out of the interface that it came in by. It keeps its VLAN tag, which lies beside
/// it here.
#[inline(always)]
fn send_back(ctx: &TcContext) -> i32 {
    // SAFETY: the kernel hands a valid __sk_buff to the program for the whole of its run; the priority may be
    // written. The helper takes two numbers.
    unsafe {
        (*ctx.skb.skb).priority = PRIORITY;
        bpf_redirect(ctx.interface(), 0) as i32
    }
}

/// What becomes of a packet at the responder.
enum Action {
    /// Not ours: on its way.
    Pass,
    Drop,
    /// Turned into its answer in place.
    SendBack,
}

#[inline(always)]
fn act(ctx: &impl PacketContext) -> Action {
    let Some(verdict) = responder::respond(ctx) else {
        return Action::Pass;
    };
    maps::count(verdict);
    match verdict {
        Verdict::Foreign | Verdict::Unconfigured => Action::Pass,
        Verdict::Refused
        | Verdict::Granted
        | Verdict::Abstained
        | Verdict::LeaseTooLong
        | Verdict::OtherElectors
        | Verdict::QueryAnswered => Action::SendBack,
        Verdict::Malformed
        | Verdict::Unauthentic
        | Verdict::Impostor
        | Verdict::Reflected
        | Verdict::Duplicate
        | Verdict::Implausible
        | Verdict::RefusalLimited
        | Verdict::Replayed
        | Verdict::Contended
        | Verdict::Recorded
        | Verdict::ReplyCounted
        | Verdict::ReplyNoGrant
        | Verdict::QueryReplyCounted
        | Verdict::Repeated
        | Verdict::Stale
        | Verdict::RefusalPromised
        | Verdict::RefusalProbed => Action::Drop,
    }
}

/// Holds back what enters for a virtual address while there is no lease.
#[classifier]
pub fn gate_in(ctx: TcContext) -> i32 {
    show_ether(&ctx);
    pass_or_drop(gate::judge(&ctx, Side::In))
}

/// Holds back what leaves from a virtual address while there is no lease.
#[classifier]
pub fn gate_out(ctx: TcContext) -> i32 {
    pass_or_drop(gate::judge(&ctx, Side::Out))
}

#[inline(always)]
fn pass_or_drop(verdict: Option<GateVerdict>) -> i32 {
    let Some(verdict) = verdict else {
        return NEXT;
    };
    maps::count_gate(verdict);
    match verdict {
        GateVerdict::OpenOut | GateVerdict::OpenIn => NEXT,
        GateVerdict::ShutOut
        | GateVerdict::ShutIn
        | GateVerdict::ShutAnswer
        | GateVerdict::ShutQuestion
        | GateVerdict::Unjudged => TC_ACT_SHOT,
    }
}

/// No code path panics; the linker wants one all the same.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The helpers that the programs call are for programs under the GPL; these are under both licences of
/// the project, of which the first is compatible.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
