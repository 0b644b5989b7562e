//! What a former life of the daemon left on the interfaces.

use std::net::IpAddr;

use crate::net::netlink::{Address, Deleted, Netlink, NetlinkError, OwnerMark};

/// Deletes every virtual address that bears this cluster's mark and is not in `kept`, by interface
/// number, and gives those that were there. Memberships of the multicast group stay: they are meant to
/// outlive the daemon.
///
/// # Errors
/// [`NetlinkError`]; some addresses may have been deleted before it.
pub fn clean_stale(
    netlink: &mut Netlink,
    mark: OwnerMark,
    kept: &[(u32, IpAddr)],
) -> Result<Vec<IpAddr>, NetlinkError> {
    let is_stale = |address: &Address| {
        mark.is_on(address)
            && !address.address.is_multicast()
            && !kept.contains(&(address.link_index, address.address))
    };
    let mut cleaned = Vec::new();
    for stale in netlink.addresses()?.into_iter().filter(is_stale) {
        match netlink.delete_address(stale.link_index, stale.address)? {
            Deleted::Gone => cleaned.push(stale.address),
            Deleted::WasNotThere => {}
        }
    }
    Ok(cleaned)
}
