//! When the gate is open; the same code runs in the tc program and in the host's tests.

use crate::maps::{Config, Control, Grant};

/// Whether the gate lets traffic of an address that follows the master through.
///
/// What remains of the lease is bounded as well: a deadline far in the future can only be a fault.
#[must_use]
#[inline(always)]
pub fn gate_is_open(
    lease_deadline_ns: u64,
    lease_epoch: u64,
    grant: &Grant,
    max_lease_ns: u64,
    now_ns: u64,
) -> bool {
    now_ns < lease_deadline_ns
        && lease_deadline_ns - now_ns <= max_lease_ns
        && lease_epoch >= grant.probed_epoch
        && (grant.duplicate_ns == 0 || now_ns.saturating_sub(grant.duplicate_ns) > max_lease_ns)
}

/// The gate's question with the words of one node.
#[must_use]
#[inline(always)]
pub fn gate_of(control: &Control, grant: &Grant, config: &Config, now_ns: u64) -> bool {
    gate_is_open(
        control.lease_deadline_ns,
        control.lease_epoch,
        grant,
        config.max_lease_ns,
        now_ns,
    )
}
