//! When the gate is open; the same code runs in the tc program and in the host's tests.
//!
//! An address that follows the master hangs on the lease. One that belongs to a slot hangs on there being
//! one machine in that slot; if the master may take it over, on the slot's own lease there, and on the
//! master's lease of the epoch in which it was taken over on the master.

use crate::maps::{Config, Control, Grant};

/// How many times `max_lease` a slot's lease lasts: its machine asks four times while it does, so that it outlives a
/// failover of the master.
pub const SLOT_LEASES: u32 = 2;

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
        && is_alone(grant, max_lease_ns, now_ns)
}

/// Whether the gate lets traffic of an address that belongs to `slot` through on the node in `own_slot`:
/// on no other node, and not while a second machine was seen in the slot.
#[must_use]
#[inline(always)]
pub fn slot_gate_is_open(
    slot: u32,
    own_slot: u16,
    grant: &Grant,
    max_lease_ns: u64,
    now_ns: u64,
) -> bool {
    slot == own_slot as u32 && is_alone(grant, max_lease_ns, now_ns)
}

/// Whether the gate of a node's own slot lets traffic of addresses that go by a lease through.
#[must_use]
#[inline(always)]
pub fn slot_lease_is_open(
    slot_lease_ns: u64,
    grant: &Grant,
    max_lease_ns: u64,
    now_ns: u64,
) -> bool {
    now_ns < slot_lease_ns
        && slot_lease_ns - now_ns <= max_lease_ns.saturating_mul(SLOT_LEASES as u64)
        && is_alone(grant, max_lease_ns, now_ns)
}

/// Whether the gate lets traffic of another slot's address through, which was taken over in `taken_epoch`: in that
/// mastership and no other. `lease_is_open`: what [`gate_is_open`] says.
#[must_use]
#[inline(always)]
pub const fn taken_gate_is_open(taken_epoch: u64, lease_epoch: u64, lease_is_open: bool) -> bool {
    taken_epoch != 0 && taken_epoch == lease_epoch && lease_is_open
}

/// Whether no other machine was seen in this slot of late.
#[inline(always)]
fn is_alone(grant: &Grant, max_lease_ns: u64, now_ns: u64) -> bool {
    grant.duplicate_ns == 0 || now_ns.saturating_sub(grant.duplicate_ns) > max_lease_ns
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
