//! Whether the virtual addresses are where the role says they should be.

use super::capital;
use crate::control::human::duration;
use crate::control::snapshot::{SlotLeaseStatus, Status, VirtualAddressStatus};
use crate::control::words::Role;

/// What became of each virtual address here, where it matters.
pub(super) fn addresses(status: &Status) -> Vec<String> {
    let sentence = |address: &VirtualAddressStatus| address_sentence(status, address);
    status
        .virtual_addresses
        .iter()
        .filter_map(sentence)
        .collect()
}

/// What another member saw of it.
fn seen(status: &Status, entry: &VirtualAddressStatus) -> String {
    let Some(verified) = &entry.verified else {
        return String::new();
    };
    let (Some(ours), Some(by), Some(age_us)) = (verified.ours, verified.by_slot, verified.age_us)
    else {
        return " No other member on its network could look yet who answers for it.".to_owned();
    };
    let (by, age) = (capital(&status.describe(by)), duration(age_us));
    match (ours, &verified.answered_by[..]) {
        (true, _) => format!(" {by} saw it answered by this node {age} ago."),
        (false, []) => format!(" {by} saw it answered by nobody {age} ago."),
        (false, macs) => format!(
            " {by} saw it answered by {}, not by this node, {age} ago.",
            macs.join(" and ")
        ),
    }
}

fn address_sentence(status: &Status, entry: &VirtualAddressStatus) -> Option<String> {
    let (address, interface) = (entry.address, entry.interface.as_deref()?);
    if let Some(lease) = &entry.slot_lease {
        return leased_sentence(status, entry, lease, interface);
    }
    if let Some(slot) = entry.follows_slot {
        return (slot == status.slot).then(|| slot_sentence(entry, interface));
    }
    let master = status.role == Role::Master;
    Some(match (master, entry.held, entry.gate_open) {
        (true, true, true) => format!(
            "It serves {address} on {interface}: the gate is open.{}",
            seen(status, entry)
        ),
        (true, true, false) => format!(
            "It has {address} on {interface}, and the gate stops its traffic because the lease does not hold at this \
             moment."
        ),
        (true, false, _) => format!(
            "{address} is not on {interface} although this node is master: look whether the interface is there and up."
        ),
        (false, true, true) => format!(
            "{address} is on {interface} and its gate is open although this node is not master: a role change is under \
             way."
        ),
        (false, true, false) => format!(
            "{address} is still on {interface}; the gate is shut, so nobody is answered from here, and the daemon removes \
             it."
        ),
        (false, false, _) => return None,
    })
}

fn leased_sentence(
    status: &Status,
    entry: &VirtualAddressStatus,
    lease: &SlotLeaseStatus,
    interface: &str,
) -> Option<String> {
    let (address, slot) = (entry.address, entry.follows_slot?);
    if let Some(since_us) = lease.taken_over_us {
        return Some(format!(
            "It serves {address} on {interface} in place of {}, which asks for it no more, since {}.{}",
            status.describe(slot),
            duration(since_us),
            seen(status, entry)
        ));
    }
    (slot == status.slot).then(|| match lease.left_us {
        Some(left_us) => format!(
            "It serves {address} on {interface}, which belongs to its slot: the master granted the slot's lease, of which \
             {} are left.{}",
            duration(left_us),
            seen(status, entry)
        ),
        None => format!(
            "It does not serve {address}, which belongs to its slot: no master grants the slot's lease at this moment."
        ),
    })
}

fn slot_sentence(entry: &VirtualAddressStatus, interface: &str) -> String {
    let address = entry.address;
    match (entry.held, entry.gate_open) {
        (true, true) => {
            format!(
                "It serves {address} on {interface}, which belongs to its slot, whoever is master."
            )
        }
        (true, false) => format!(
            "It has {address} on {interface}, which belongs to its slot, and the gate stops its traffic: another machine \
             was seen in this slot."
        ),
        (false, _) => format!(
            "{address}, which belongs to its slot, is not on {interface}: look whether the interface is there and up."
        ),
    }
}
