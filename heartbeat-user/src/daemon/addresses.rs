//! The virtual addresses as they are on this node, for status.

use heartbeat_core::snapshot::Bearer as Known;
use heartbeat_core::{Instant, Slot, Snapshot};
use heartbeat_wire::gate::{gate_of, slot_gate_is_open, slot_lease_is_open, taken_gate_is_open};
use heartbeat_wire::maps;

use super::operator::{Operator, verified};
use super::plan::Plan;
use crate::config::Follows;
use crate::control::{Bearer, SlotLeaseStatus, VirtualAddressStatus};
use crate::datapath::name_sets;
use crate::net::netlink::{Address, Netlink};
use crate::sys::clock::boot_ns;

impl Operator {
    /// # Errors
    /// A sentence for who asked, when the kernel does not say which addresses are there.
    pub(super) fn virtual_addresses(
        &self,
        plan: &Plan,
        snapshot: &Snapshot,
    ) -> Result<Vec<VirtualAddressStatus>, String> {
        let mut netlink = Netlink::open().map_err(|error| error.to_string())?;
        let present = netlink.addresses().map_err(|error| error.to_string())?;
        let shown = self.view.shown();
        let mut kernel = plan.for_kernel();
        name_sets(&mut kernel, &snapshot.electors.record);
        let status = |address: &crate::config::VirtualAddress| {
            let interface = (plan.config)
                .interface_of(address, plan.slot)
                .map(str::to_owned);
            let is_it = |found: &Address| found.address == address.address;
            VirtualAddressStatus {
                address: address.address,
                interface,
                follows_slot: address.follows.slot(),
                held: present.iter().any(is_it),
                gate_open: self.is_gate_open(&kernel, address.follows),
                slot_lease: slot_lease(plan.slot, snapshot, address.follows),
                verified: verified(&shown.verified, address.address),
            }
        };
        Ok(plan.config.virtual_addresses.iter().map(status).collect())
    }

    fn is_gate_open(&self, kernel: &maps::Config, follows: Follows) -> bool {
        let (grant, now_ns) = (self.words.grant(), boot_ns());
        match follows {
            Follows::Master => gate_of(&self.words.control(), &grant, kernel, now_ns),
            Follows::Slot(slot) => slot_gate_is_open(
                slot.into(),
                kernel.slot,
                &grant,
                kernel.max_lease_ns,
                now_ns,
            ),
            Follows::SlotElseMaster(slot) if slot == kernel.slot => slot_lease_is_open(
                self.words.control().slot_lease_ns,
                &grant,
                kernel.max_lease_ns,
                now_ns,
            ),
            Follows::SlotElseMaster(slot) => {
                let control = self.words.control();
                let lease_is_open = gate_of(&control, &grant, kernel, now_ns);
                taken_gate_is_open(self.words.taken(slot).0, control.lease_epoch, lease_is_open)
            }
        }
    }
}

/// How it stands with the lease of the slot that an address follows, if it follows one by a lease.
fn slot_lease(own: Slot, snapshot: &Snapshot, follows: Follows) -> Option<SlotLeaseStatus> {
    let Follows::SlotElseMaster(slot) = follows else {
        return None;
    };
    let us = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let left = |end: Instant| Some(us(end.since(snapshot.at)));
    let own_lease = snapshot.slot_lease.filter(|_| slot == own);
    let mut bearers = snapshot.bearers.iter();
    let known = bearers.find(|(other, _)| *other == slot);
    let (bearer, left_us, taken_over_us) = match (own_lease, known.map(|(_, bearer)| *bearer)) {
        // By its own count, which the kernel goes by, and not by what it granted itself as master.
        (Some(end), _) | (None, Some(Known::Itself(end))) => (Some(Bearer::Slot), left(end), None),
        (None, Some(Known::Master(since))) => {
            let age = snapshot.at.since(since);
            (Some(Bearer::Master), None, Some(us(age)))
        }
        (None, Some(Known::Nobody)) => (Some(Bearer::Nobody), None, None),
        (None, Some(Known::Unknown(end))) => (None, left(end), None),
        (None, None) => (None, None, None),
    };
    Some(SlotLeaseStatus {
        bearer,
        left_us,
        taken_over_us,
    })
}
