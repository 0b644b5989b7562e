//! Whether the virtual addresses are where the role says they should be.

use crate::control::snapshot::{Status, VirtualAddressStatus};
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

fn address_sentence(status: &Status, entry: &VirtualAddressStatus) -> Option<String> {
    let (address, interface) = (entry.address, entry.interface.as_deref()?);
    let master = status.role == Role::Master;
    Some(match (master, entry.held, entry.gate_open) {
        (true, true, true) => format!("It serves {address} on {interface}: the gate is open."),
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
