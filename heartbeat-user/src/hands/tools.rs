//! What addresses are handled with, and how it is told.

use std::sync::Arc;

use super::channel::Sender;
use super::{Action, Counters, Failure, Report, VirtualAddress};
use crate::net::announce::Announcer;
use crate::net::netlink::{Added, LinkWatch, Netlink, NetlinkError, OwnerMark};

#[derive(Debug)]
pub(super) struct Tools {
    pub(super) netlink: Netlink,
    pub(super) announcer: Announcer,
    pub(super) watch: LinkWatch,
    /// Interfaces that came back, and on which no gate was said to stand since: whoever dies now must not
    /// leave an address there.
    pub(super) ungated: Vec<String>,
    pub(super) mark: OwnerMark,
    pub(super) counters: Arc<Counters>,
    pub(super) reports: Sender<Report>,
}

impl Tools {
    /// Puts an address on its interface, and gives that one's number.
    pub(super) fn add(&mut self, address: &VirtualAddress) -> Result<(Added, u32), NetlinkError> {
        let link = self
            .watch
            .get(&address.interface)
            .filter(|_| !self.ungated.contains(&address.interface))
            .ok_or_else(|| NetlinkError::NoInterface {
                interface: address.interface.clone(),
            })?;
        let added = self.netlink.add_address(link, address.address, self.mark)?;
        Ok((added, link.index))
    }

    /// Announces an address, if its interface is there and on; else its return starts the
    /// announcements anew. Not only with a carrier: the kernel tells of a carrier up to a second late
    /// (net/core/link_watch.c), and by then somebody may have listened.
    pub(super) fn announce(&self, address: &VirtualAddress) {
        let link = self.watch.get(&address.interface);
        let Some((index, mac)) = link
            .filter(|link| link.up)
            .and_then(|link| Some((link.index, link.mac?)))
        else {
            return;
        };
        match self.announcer.announce(index, mac, address.address) {
            Ok(()) => Counters::add(&self.counters.announced),
            Err(source) => {
                let error = Failure::Announce {
                    address: address.address,
                    interface: address.interface.clone(),
                    source,
                };
                self.failed(Action::Announce, address, error);
            }
        }
    }

    /// Tells the pulse. A report that finds the queue full is counted and lost: waiting would delay
    /// the next order.
    pub(super) fn report(&self, report: Report) {
        if self.reports.send(report).is_err() {
            Counters::add(&self.counters.reports_lost);
        }
    }

    /// Tells the pulse of something that could not be done.
    pub(super) fn failed(&self, action: Action, address: &VirtualAddress, error: Failure) {
        Counters::add(&self.counters.failed);
        self.report(Report::Failed {
            action,
            address: address.clone(),
            error,
        });
    }
}
