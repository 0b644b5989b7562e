//! The gate by traffic-control filters, for kernels without tcx.
//!
//! A filter outlives its daemon as a pinned link does, but has no pin: what tells whose it is is its name,
//! which holds the pin folder's path. It goes with its interface, or when it is removed.

use std::os::fd::AsFd as _;

use aya::programs::SchedClassifier;

use super::Side;
use crate::datapath::attach::attach_error;
use crate::datapath::error::DatapathError;
use crate::datapath::pins::Pins;
use crate::net::netlink::{Hook, Link, Netlink, NetlinkError};

impl Side {
    const fn hook(self) -> Hook {
        match self {
            Self::In => Hook::Ingress,
            Self::Out => Hook::Egress,
        }
    }

    /// What this folder's filter on this side is called.
    fn filter_name(self, pins: &Pins) -> String {
        format!("{}/{}", pins.identity().display(), self.program())
    }
}

/// Places one side's filter before all others, or puts the program into the one that the last daemon left.
pub(super) fn attach(
    program: &SchedClassifier,
    side: Side,
    pins: &Pins,
    name: &str,
) -> Result<(), DatapathError> {
    let fd = program
        .fd()
        .map_err(|source| attach_error(side.program(), name, source))?;
    let place = || -> Result<(), NetlinkError> {
        let mut netlink = Netlink::open()?;
        let link = netlink.link(name)?;
        netlink.add_clsact(&link)?;
        let (hook, own) = (side.hook(), side.filter_name(pins));
        let there = netlink.filters(&link, hook)?;
        match there.iter().find(|filter| filter.name == own) {
            Some(old) => netlink.replace_filter(&link, hook, old, fd.as_fd()),
            None => netlink.add_filter(&link, hook, &own, fd.as_fd()),
        }
    };
    place().map_err(|source| failed(side, name, source))
}

/// Whether this folder's filter is on that side of the interface.
pub(super) fn is_there(side: Side, pins: &Pins, name: &str) -> bool {
    let own = side.filter_name(pins);
    let ask = || -> Result<bool, NetlinkError> {
        let mut netlink = Netlink::open()?;
        let link = netlink.link(name)?;
        let there = netlink.filters(&link, side.hook())?;
        Ok(there.iter().any(|filter| filter.name == own))
    };
    ask().is_ok_and(|is_there| is_there)
}

/// Removes this folder's filters from every interface of this network namespace, also from those that were
/// renamed meanwhile. Says what it removed.
pub(super) fn remove_all(pins: &Pins) -> Result<Vec<String>, DatapathError> {
    let opened = |source| failed(Side::In, "any interface", source);
    let mut netlink = Netlink::open().map_err(opened)?;
    let mut removed = Vec::new();
    for link in netlink.links().map_err(opened)? {
        for side in Side::BOTH {
            let done = remove(&mut netlink, &link, side, pins);
            if done.map_err(|source| failed(side, &link.name, source))? {
                removed.push(format!("filter {} on {}", side.program(), link.name));
            }
        }
    }
    Ok(removed)
}

/// Whether there was one to remove.
fn remove(
    netlink: &mut Netlink,
    link: &Link,
    side: Side,
    pins: &Pins,
) -> Result<bool, NetlinkError> {
    let (hook, own) = (side.hook(), side.filter_name(pins));
    let there = netlink.filters(link, hook)?;
    let Some(old) = there.iter().find(|filter| filter.name == own) else {
        return Ok(false);
    };
    netlink.remove_filter(link, hook, old)?;
    Ok(true)
}

fn failed(side: Side, name: &str, source: NetlinkError) -> DatapathError {
    let interface = name.to_owned();
    if source.is_no_interface() {
        return DatapathError::NoInterface { interface };
    }
    if source.is_denied() {
        return DatapathError::NoRights {
            what: format!("hang {} on {name}", side.program()),
        };
    }
    DatapathError::Filter {
        program: side.program(),
        interface,
        source,
    }
}
