//! What tells people something and decides nothing is left out, so that it makes no state another one.

use heartbeat_core::Slot;
use heartbeat_kernel_twin::Kernel;
use heartbeat_wire::frame::{Frame, Kind};
use heartbeat_wire::verdict::Verdict;

/// A question, without what its sender says of itself: no kernel reads that.
pub(crate) const fn question(frame: Frame) -> Frame {
    Frame {
        flags: 0,
        role: 0,
        gate: 0,
        promised_epoch: 0,
        probed_epoch: 0,
        ..frame
    }
}

/// An answer to a question of `kind`, without what its asker does not go by. Its daemon is alive.
pub(crate) fn answer(frame: Frame, kind: Kind, verdict: Verdict) -> Frame {
    let is_grant = verdict == Verdict::Granted;
    Frame {
        role: 0,
        gate: 0,
        successor: 0,
        daemon_age_us: 0,
        lease_us: if kind == Kind::Probe {
            0
        } else {
            frame.lease_us
        },
        promised_epoch: if is_grant { 0 } else { frame.promised_epoch },
        probed_epoch: if is_grant { 0 } else { frame.probed_epoch },
        ..frame
    }
}

/// What was counted of `slot`: as if its answer had taken no time, and nobody goes by when an answer over the
/// management network came.
pub(crate) fn record(kernel: &mut Kernel, slot: Slot) {
    if let Some(record) = kernel.counted.get_mut(&slot) {
        record.arrival_ns = if record.sequence.is_multiple_of(2) {
            0
        } else {
            record.arrival_ns - record.rtt_ns
        };
        (record.rtt_ns, record.count) = (0, 0);
    }
}

/// How many answers of `slot` were counted, which only people look at.
pub(crate) fn count(kernel: &mut Kernel, slot: Slot) {
    if let Some(record) = kernel.counted.get_mut(&slot) {
        record.count = 0;
    }
}
