//! Which programs judge the packets of an interface.

use aya::programs::{ProgramInfo, SchedClassifier, TcAttachType};
use heartbeat_user::net::netlink::{Hook, Netlink};

/// The ids of the tcx programs on both sides of an interface of this network namespace; on a kernel without tcx
/// those of filters.
///
/// # Panics
/// Without such an interface.
#[must_use]
pub fn classifiers(interface: &str) -> Vec<u32> {
    let sides = [TcAttachType::Ingress, TcAttachType::Egress];
    let by_tcx: Result<Vec<_>, _> = sides
        .into_iter()
        .map(|side| SchedClassifier::query_tcx(interface, side))
        .collect();
    match by_tcx {
        Ok(sides) => sides
            .iter()
            .flat_map(|(_, programs)| programs.iter().map(ProgramInfo::id))
            .collect(),
        Err(_) => filters(interface),
    }
}

fn filters(interface: &str) -> Vec<u32> {
    let mut netlink = Netlink::open().expect("a netlink socket can be opened");
    let link = netlink.link(interface).expect("there is such an interface");
    [Hook::Ingress, Hook::Egress]
        .into_iter()
        .flat_map(|hook| netlink.filters(&link, hook).expect("filters can be listed"))
        .map(|filter| filter.program_id)
        .collect()
}
