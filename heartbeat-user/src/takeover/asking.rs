//! The other member's part: it asks who answers for the addresses, and tells the new master.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use heartbeat_core::{Epoch, Slot};
use netlink_packet_route::address::AddressFlags;
use tracing::{debug, warn};

use super::message::Message;
use super::tellers::Tellers;
use crate::hands::Whose;
use crate::net::ask_neighbour::{Answered, Asker};
use crate::net::netlink::Netlink;

/// Asking takes as long as answers are collected, so threads of its own do it, for one asker at a time.
#[derive(Debug)]
pub(super) struct Asking {
    busy: Arc<AtomicBool>,
    places: Arc<[Place]>,
    tellers: Tellers,
}

/// An address that moves, and this node's interface on its network, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// Whose it is.
    pub whose: Whose,
    /// The interface's name.
    pub interface: Option<String>,
}

/// Who wants to know of which addresses, and under which number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) by: Slot,
    pub(super) whose: Whose,
    pub(super) epoch: Epoch,
    pub(super) number: u64,
}

impl Asking {
    pub(super) fn new(places: Vec<Place>, tellers: Tellers) -> Self {
        Self {
            busy: Arc::default(),
            places: places.into(),
            tellers,
        }
    }

    /// Asks and answers, unless it does so already: the other network's copy of the same question, or a
    /// flood of them, makes no second one.
    pub(super) fn begin(&self, asked: Asked) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let (busy, places, tellers) = (
            Arc::clone(&self.busy),
            Arc::clone(&self.places),
            self.tellers.clone(),
        );
        let started = thread::Builder::new()
            .name("ask-neighbour".into())
            .spawn(move || {
                ask_all(&places, asked, &tellers);
                busy.store(false, Ordering::Release);
            });
        if let Err(error) = started {
            self.busy.store(false, Ordering::Release);
            warn!(%error, "no thread to look who answers for the virtual addresses");
        }
    }
}

fn ask_all(places: &[Place], asked: Asked, tellers: &Tellers) {
    let mut by_interface: BTreeMap<Option<&str>, Vec<IpAddr>> = BTreeMap::new();
    for place in places.iter().filter(|place| place.whose == asked.whose) {
        let addresses = by_interface.entry(place.interface.as_deref()).or_default();
        addresses.push(place.address);
    }
    // All interfaces at once: the asker waits.
    thread::scope(|scope| {
        for (interface, addresses) in by_interface {
            scope.spawn(move || {
                let answered = interface.map(|on| ask(on, &addresses));
                for (place, address) in addresses.iter().enumerate() {
                    let macs = answered
                        .as_ref()
                        .and_then(|answered| answered[place].clone());
                    let message = Message::Verified {
                        address: *address,
                        asked: macs.is_some(),
                        macs: macs.unwrap_or_default(),
                    };
                    tellers.tell(asked.by, asked.epoch, asked.number, &message);
                }
            });
        }
    });
}

/// By address, who answered.
fn ask(interface: &str, addresses: &[IpAddr]) -> Vec<Answered> {
    try_ask(interface, addresses).unwrap_or_else(|why| {
        debug!(interface, why, "cannot look who answers there");
        vec![None; addresses.len()]
    })
}

fn try_ask(interface: &str, addresses: &[IpAddr]) -> Result<Vec<Answered>, String> {
    let mut netlink = Netlink::open().map_err(|error| error.to_string())?;
    let link = netlink.link(interface).map_err(|error| error.to_string())?;
    let mac = link.mac.filter(|_| link.running);
    let asker = Asker {
        interface_index: link.index,
        mac: mac.ok_or("the interface is off, or has no hardware address")?,
        ipv6: own_ipv6(&mut netlink, link.index, addresses),
    };
    asker.ask(addresses).map_err(|error| error.to_string())
}

/// An IPv6 address of this node on an interface: one that is tried and found unique, and none of those that
/// are asked for.
fn own_ipv6(netlink: &mut Netlink, link_index: u32, asked: &[IpAddr]) -> Option<Ipv6Addr> {
    let unusable = AddressFlags::Tentative | AddressFlags::Dadfailed;
    let all = netlink.addresses().ok()?;
    all.iter()
        .filter(|it| it.link_index == link_index && !it.flags.intersects(unusable))
        .filter(|it| !asked.contains(&it.address) && !it.address.is_multicast())
        .find_map(|it| match it.address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(v6),
        })
}
