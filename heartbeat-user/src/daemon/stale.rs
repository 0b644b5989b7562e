//! Virtual addresses that must go: those of an earlier life, and all of them before the gates do.

use std::net::IpAddr;

use tracing::info;

use super::failure::Failure;
use super::plan::{Carried, Plan};
use crate::hands;
use crate::net::netlink::{Netlink, OwnerMark};

/// Removes what an earlier life left of addresses that this configuration does not place there any more,
/// before the gate stops to guard them: nodes that go by the old file still serve them. Of other slots' addresses too,
/// which that life had taken over: this one has not, and whoever they belong to may ask first.
pub(super) fn remove_dropped(
    plan: &Plan,
    netlink: &mut Netlink,
    mark: OwnerMark,
) -> Result<(), Failure> {
    let followed = plan.carried().into_iter().chain(own(plan));
    remove_all_but(&places(followed, netlink)?, netlink, mark)
}

/// Removes every virtual address of the cluster but those that belong to this slot; of one that goes by a lease the
/// election says whether that holds still.
pub(super) fn remove_all_but_own(
    plan: &Plan,
    netlink: &mut Netlink,
    mark: OwnerMark,
) -> Result<(), Failure> {
    remove_all_but(&places(own(plan), netlink)?, netlink, mark)
}

/// What belongs to this slot, by a lease or without one.
fn own(plan: &Plan) -> impl Iterator<Item = Carried> {
    let leased = plan.leased().remove(&plan.slot).unwrap_or_default();
    plan.own_addresses().into_iter().chain(leased)
}

/// Interface number and address of each.
fn places(
    carried: impl Iterator<Item = Carried>,
    netlink: &mut Netlink,
) -> Result<Vec<(u32, IpAddr)>, Failure> {
    carried
        .map(|carried| {
            let link = netlink.link(&carried.interface).map_err(Failure::of)?;
            Ok((link.index, carried.address))
        })
        .collect()
}

/// Removes every virtual address of the cluster but those in `kept`, by interface number.
pub(super) fn remove_all_but(
    kept: &[(u32, IpAddr)],
    netlink: &mut Netlink,
    mark: OwnerMark,
) -> Result<(), Failure> {
    let removed = hands::clean_stale(netlink, mark, kept).map_err(Failure::of)?;
    if !removed.is_empty() {
        info!(?removed, "removed virtual addresses that were left behind");
    }
    Ok(())
}
