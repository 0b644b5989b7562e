//! What the daemon must know at once, and what an administrator should read in the log.

use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::warn;
use heartbeat_wire::Frame;
use heartbeat_wire::maps::{ALARMS_PER_WINDOW, Event, EventKind, LIMIT_WINDOW_NS};

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
pub(crate) fn duplicate(ctx: &XdpContext, frame: &Frame, now_ns: u64) {
    if may_alarm(now_ns) {
        tell(EventKind::Duplicate, frame, now_ns);
        log_duplicate(ctx, frame.sender, frame.incarnation);
    }
}

/// An epoch that no honest master can have reached: event and log line, a few a second at most.
#[inline(always)]
pub(crate) fn implausible(ctx: &XdpContext, frame: &Frame, now_ns: u64) {
    if may_alarm(now_ns) {
        tell(EventKind::Implausible, frame, now_ns);
        log_implausible(ctx, frame.sender, frame.epoch >> 16);
    }
}

#[inline(never)]
fn log_duplicate(ctx: &XdpContext, slot: u16, incarnation: u64) {
    warn!(
        ctx,
        "another machine uses slot {}, incarnation {:x}", slot, incarnation
    );
}

#[inline(never)]
fn log_implausible(ctx: &XdpContext, slot: u16, round: u64) {
    warn!(ctx, "slot {} probes an implausible round {}", slot, round);
}

/// Whether this CPU may raise one more alarm in this window.
#[inline(always)]
fn may_alarm(now_ns: u64) -> bool {
    let Some(limits) = limits() else {
        return false;
    };
    // SAFETY: this CPU's own value; no other program runs on it meanwhile.
    let limits = unsafe { &mut *limits };
    if now_ns.saturating_sub(limits.alarms_since_ns) > LIMIT_WINDOW_NS {
        limits.alarms_since_ns = now_ns;
        limits.alarms = 0;
    }
    limits.alarms += 1;
    limits.alarms <= ALARMS_PER_WINDOW
}
