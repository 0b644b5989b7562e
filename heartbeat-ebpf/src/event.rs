//! What the daemon must know at once, and what an administrator should read in the log.

use aya_ebpf::EbpfContext;
use aya_log_ebpf::warn;
use heartbeat_wire::Frame;
use heartbeat_wire::maps::{Event, EventKind};

use crate::limit::may_alarm;
use crate::maps::{EVENTS, limits};

/// Tells the daemon about a frame.
///
/// A subprogram of its own: as part of its callers it would take their stack (512 bytes in all).
#[inline(never)]
pub(crate) fn tell(kind: EventKind, frame: &Frame, now_ns: u64) {
    let Some(mut entry) = EVENTS.reserve(0) else {
        if let Some(limits) = limits() {
            // SAFETY: this CPU's own value; no other program runs on it meanwhile.
            unsafe { (*limits).lost_events += 1 };
        }
        return;
    };
    entry.write(Event {
        kind: kind as u32,
        slot: frame.sender,
        flags: frame.flags,
        gate: frame.gate,
        at_ns: now_ns,
        epoch: frame.epoch,
        sequence: frame.sequence,
        promised_epoch: frame.promised_epoch,
        probed_epoch: frame.probed_epoch,
        incarnation: frame.incarnation,
        lease_us: frame.lease_us,
        daemon_age_us: frame.daemon_age_us,
        elector_version: frame.elector_version,
        elector_digest: frame.elector_digest,
        info_version: frame.info_version,
    });
    entry.submit(0);
}

/// Our own slot came from another machine: event and log line, a few a second at most.
#[inline(always)]
pub(crate) fn duplicate(ctx: &impl EbpfContext, frame: &Frame, now_ns: u64) {
    if may_alarm(now_ns) {
        tell(EventKind::Duplicate, frame, now_ns);
        log_duplicate(ctx, frame.sender, frame.incarnation);
    }
}

/// An epoch that no honest master can have reached: event and log line, a few a second at most.
#[inline(always)]
pub(crate) fn implausible(ctx: &impl EbpfContext, frame: &Frame, now_ns: u64) {
    if may_alarm(now_ns) {
        tell(EventKind::Implausible, frame, now_ns);
        log_implausible(ctx, frame.sender, frame.epoch >> 16);
    }
}

#[inline(never)]
fn log_duplicate(ctx: &impl EbpfContext, slot: u16, incarnation: u64) {
    warn!(
        ctx,
        "another machine uses slot {}, incarnation {:x}", slot, incarnation
    );
}

#[inline(never)]
fn log_implausible(ctx: &impl EbpfContext, slot: u16, round: u64) {
    warn!(ctx, "slot {} probes an implausible round {}", slot, round);
}
