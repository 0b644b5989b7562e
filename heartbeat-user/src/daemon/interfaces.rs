//! Waiting for the interfaces and addresses that the configuration names.

use std::fmt;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::signals::Stop;
use crate::net::netlink::{AddressFlags, Netlink, NetlinkError};

/// How often an interface that is missing or down is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often the log says that it is still waited for.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// An interface that must be there and up, and the address of this node that must be on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) interface: String,
    pub(super) address: Option<IpAddr>,
}

/// What is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lack {
    Missing(String),
    Down(String),
    NoAddress(String, IpAddr),
    Tentative(String, IpAddr),
    Duplicate(String, IpAddr),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "interface {name}, which is missing"),
            Self::Down(name) => write!(
                f,
                "interface {name}, which is down (`ip link set dev {name} up` brings it up)"
            ),
            Self::NoAddress(name, address) => {
                write!(f, "interface {name} to have the address {address}")
            }
            Self::Tentative(name, address) => write!(
                f,
                "address {address} on interface {name}, which the kernel still looks for on other machines \
                 (duplicate address detection)"
            ),
            Self::Duplicate(name, address) => write!(
                f,
                "address {address} on interface {name}, which another machine has too: take it off that one, and \
                 `ip address` delete and add it here"
            ),
        }
    }
}

/// Waits until all of `wanted` is there, saying so once and then now and again, in the log and by `tell`. False if the daemon was told to stop meanwhile.
///
/// Waits for as long as it takes: at boot, interfaces come when they come, and a daemon that gave up
/// would have to be started again by hand.
///
/// # Errors
/// When netlink does not answer.
pub(super) fn wait(
    netlink: &mut Netlink,
    wanted: &[Wanted],
    stop: &Stop,
    mut tell: impl FnMut(String),
) -> Result<bool, NetlinkError> {
    let mut told: Option<Lack> = None;
    let mut waited = Duration::ZERO;
    while let Some(lack) = first_lack(netlink, wanted)? {
        if told.as_ref() != Some(&lack) || waited >= SAY_AGAIN {
            warn!("waiting for {lack}; this node takes no part until then");
            tell(lack.to_string());
            told = Some(lack);
            waited = Duration::ZERO;
        }
        if stop.is_asked() {
            return Ok(false);
        }
        thread::sleep(LOOK_AGAIN);
        waited += LOOK_AGAIN;
    }
    if told.is_some() {
        info!("the interfaces are there and up");
    }
    Ok(true)
}

fn first_lack(netlink: &mut Netlink, wanted: &[Wanted]) -> Result<Option<Lack>, NetlinkError> {
    let links = netlink.links()?;
    let addresses = netlink.addresses()?;
    let lack = |wanted: &Wanted| {
        let name = &wanted.interface;
        let Some(link) = links.iter().find(|link| link.name == *name) else {
            return Some(Lack::Missing(name.clone()));
        };
        if !link.up {
            return Some(Lack::Down(name.clone()));
        }
        let address = wanted.address?;
        let there = addresses
            .iter()
            .find(|there| there.link_index == link.index && there.address == address);
        match there.map(|there| there.flags) {
            None => Some(Lack::NoAddress(name.clone(), address)),
            // The flag of a failure stands beside the other one.
            Some(flags) if flags.contains(AddressFlags::Dadfailed) => {
                Some(Lack::Duplicate(name.clone(), address))
            }
            Some(flags) if flags.contains(AddressFlags::Tentative) => {
                Some(Lack::Tentative(name.clone(), address))
            }
            Some(_) => None,
        }
    };
    Ok(wanted.iter().find_map(lack))
}
