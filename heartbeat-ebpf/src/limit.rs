//! Rate limits, each CPU's own: nobody can make this node send or tell more than a little.

use heartbeat_wire::maps::{
    ALARMS_PER_WINDOW, LIMIT_WINDOW_NS, REFUSAL_GAP_NS, REFUSALS_PER_WINDOW,
};

use crate::maps;

/// Whether this CPU may send one more refusal to a slot now.
#[inline(always)]
pub(crate) fn may_refuse(slot: u16, now_ns: u64) -> bool {
    let (Some(limits), Some(last_ns)) = (maps::limits(), maps::last_refusal(slot)) else {
        return false;
    };
    // SAFETY: this CPU's own values; no other program runs on it meanwhile.
    let (limits, last_ns) = unsafe { (&mut *limits, &mut *last_ns) };
    if now_ns.saturating_sub(*last_ns) < REFUSAL_GAP_NS {
        return false;
    }
    if now_ns.saturating_sub(limits.refusals_since_ns) > LIMIT_WINDOW_NS {
        limits.refusals_since_ns = now_ns;
        limits.refusals = 0;
    }
    if limits.refusals >= REFUSALS_PER_WINDOW {
        return false;
    }
    limits.refusals += 1;
    *last_ns = now_ns;
    true
}

/// Whether this CPU may raise one more alarm in this window.
#[inline(always)]
pub(crate) fn may_alarm(now_ns: u64) -> bool {
    let Some(limits) = maps::limits() else {
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
