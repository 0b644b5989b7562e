//! The other member's part: it asks who answers for the addresses, and tells the new master.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use heartbeat_core::{Epoch, Slot};
use tracing::{debug, warn};

use super::message::Message;
use super::tellers::Tellers;
use crate::net::ask_neighbour;
use crate::net::mac::MacAddress;
use crate::net::netlink::Netlink;

/// Asking takes as long as answers are collected, so threads of its own do it, for one asker at a time.
#[derive(Debug)]
pub(super) struct Asking {
    busy: Arc<AtomicBool>,
    places: Arc<[Place]>,
    tellers: Tellers,
}

/// An address that follows the master, and this node's interface on its network, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// The interface's name.
    pub interface: Option<String>,
}

/// Who wants to know, and under which number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) by: Slot,
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
    for place in places {
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

/// By address, who answered; none for one that could not be asked for.
fn ask(interface: &str, addresses: &[IpAddr]) -> Vec<Option<Vec<MacAddress>>> {
    let v4: Vec<Ipv4Addr> = addresses.iter().filter_map(v4).collect();
    let answered = try_ask(interface, &v4).unwrap_or_else(|why| {
        debug!(interface, why, "cannot look who answers there");
        None
    });
    let of = |address: &IpAddr| {
        let place = v4.iter().position(|asked| *asked == *address)?;
        answered.as_ref().map(|answered| answered[place].clone())
    };
    addresses.iter().map(of).collect()
}

/// None on an interface that is off.
fn try_ask(
    interface: &str,
    addresses: &[Ipv4Addr],
) -> Result<Option<Vec<Vec<MacAddress>>>, String> {
    let mut netlink = Netlink::open().map_err(|error| error.to_string())?;
    let link = netlink.link(interface).map_err(|error| error.to_string())?;
    let Some(own) = link.mac.filter(|_| link.running) else {
        return Ok(None);
    };
    ask_neighbour::ask(link.index, own, addresses)
        .map(Some)
        .map_err(|error| error.to_string())
}

fn v4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    }
}
