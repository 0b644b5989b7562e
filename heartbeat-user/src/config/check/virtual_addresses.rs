//! `[[virtual_address]]`: each one usable, unique, and with a place on every node that may have it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use heartbeat_wire::maps::MAX_VIPS;
use toml::Spanned;

use super::address::unusable;
use super::members::addresses;
use crate::config::fault::Fault;
use crate::config::file::{self, Member};
use crate::config::service::Network;
use crate::config::value::Wrong;
use crate::config::{Follows, Mode, Place, VirtualAddress};

/// All virtual addresses of a cluster of this `mode`, in the file's order; `None` if one of them is incomplete.
pub(super) fn check(
    list: &[file::VirtualAddress],
    members: &[Member],
    mode: Option<Mode>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<VirtualAddress>> {
    if let Some(beyond) = list.get(MAX_VIPS) {
        let cause = format!("more than {MAX_VIPS} virtual addresses");
        faults.push(Fault::new(beyond.at.clone(), cause, "take some out"));
    }
    let taken: BTreeMap<IpAddr, Range<usize>> = members
        .iter()
        .flat_map(addresses)
        .map(|address| (*address.get_ref(), address.span()))
        .collect();
    let mut seen = BTreeMap::new();
    for entry in list {
        let Some(address) = &entry.address else {
            continue;
        };
        check_address(address, faults);
        if mode == Some(Mode::Pair) {
            check_pair(entry, faults);
        }
        let (ip, _) = *address.get_ref();
        if let Some(member) = taken.get(&ip) {
            let cause = format!("{ip} is a member's own address");
            let cure = "a virtual address is not a machine's own: choose one that no machine has";
            faults.push(Fault::new(address.span(), cause, cure).also(member.clone(), "here"));
        }
        if let Some(first) = seen.insert(ip, address.span()) {
            let cause = format!("virtual address {ip} stands here twice");
            let fault = Fault::new(address.span(), cause, "take one of the two out");
            faults.push(fault.also(first, "first here"));
        }
    }
    list.iter()
        .map(|entry| virtual_address(entry, members, faults))
        // Every one is looked at before the first incomplete one ends the collection.
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

/// The excepted case of a pair would have two masters take it over.
fn check_pair(entry: &file::VirtualAddress, faults: &mut Vec<Fault>) {
    if let Some(follows) = &entry.follows
        && let Follows::SlotElseMaster(_) = follows.get_ref()
    {
        let cause =
            "a pair takes no slot's address over: two masters could, where a majority allows one";
        let cure =
            "take takeover out, or let a third machine decide: mode = \"quorum\" with a witness";
        faults.push(Fault::new(follows.span(), cause, cure));
    }
}

fn check_address(address: &Spanned<(IpAddr, u8)>, faults: &mut Vec<Fault>) {
    let (ip, prefix) = *address.get_ref();
    let wrong = unusable(ip).or_else(|| match ip {
        IpAddr::V4(v4) => edge(v4, prefix),
        IpAddr::V6(v6) => routers_anycast(v6, prefix),
    });
    if let Some(wrong) = wrong {
        faults.push(Fault::new(address.span(), wrong.cause, wrong.cure));
    }
}

/// Whether the address is its network's own or its broadcast address (none in a /31 or /32, RFC 3021).
fn edge(address: Ipv4Addr, prefix: u8) -> Option<Wrong> {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    let host = address.to_bits() & host_bits;
    let what = match host {
        _ if prefix >= 31 => return None,
        0 => "the network's own address",
        _ if host == host_bits => "the network's broadcast address",
        _ => return None,
    };
    Some(Wrong::new(
        format!("{address}/{prefix} is {what}"),
        "write an address that one machine can have, or correct the prefix length",
    ))
}

/// Whether the address is every router's in its network (RFC 4291, 2.6.1; none in a /127, RFC 6164).
fn routers_anycast(address: Ipv6Addr, prefix: u8) -> Option<Wrong> {
    let host_bits = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    (prefix < 127 && address.to_bits() & host_bits == 0).then(|| {
        Wrong::new(
            format!("{address}/{prefix} is the address of all routers of its network"),
            "write an address that one machine can have, or correct the prefix length",
        )
    })
}

fn virtual_address(
    entry: &file::VirtualAddress,
    members: &[Member],
    faults: &mut Vec<Fault>,
) -> Option<VirtualAddress> {
    let follows = follows(entry, members, faults);
    let place = place(entry, members, follows, faults);
    let (address, prefix) = *entry.address.as_ref()?.get_ref();
    Some(VirtualAddress {
        address,
        prefix,
        place: place?,
        follows,
    })
}

fn follows(entry: &file::VirtualAddress, members: &[Member], faults: &mut Vec<Fault>) -> Follows {
    let Some(follows) = &entry.follows else {
        return Follows::Master;
    };
    if let Some(slot) = follows.get_ref().slot()
        && !members.iter().any(|member| slot_of(member) == Some(slot))
    {
        let cause = format!("slot {slot} has no member");
        let cure = "name the slot of a member: follows = { slot = 1 }";
        faults.push(Fault::new(follows.span(), cause, cure));
    }
    *follows.get_ref()
}

fn slot_of(member: &Member) -> Option<u16> {
    member.slot.as_ref().map(|slot| *slot.get_ref())
}

fn place(
    entry: &file::VirtualAddress,
    members: &[Member],
    follows: Follows,
    faults: &mut Vec<Fault>,
) -> Option<Place> {
    const CURE: &str =
        "write network = \"business\", network = \"management\" or interface = \"vlan30\"";
    match (&entry.network, &entry.interface) {
        (Some(network), Some(interface)) => {
            let cause = "a virtual address has a network or an interface, not both";
            let fault = Fault::new(interface.span(), cause, "take one of the two out");
            faults.push(fault.also(network.span(), "the other one"));
            None
        }
        (None, None) if entry.place_given => None,
        (None, None) => {
            let cause = "this virtual address has no place";
            faults.push(Fault::new(entry.at.clone(), cause, CURE));
            None
        }
        (None, Some(interface)) => Some(Place::Interface(interface.get_ref().clone())),
        (Some(network), None) => Some(match network.get_ref() {
            Network::Management => Place::Management,
            Network::Business => {
                on_business(network, members, follows, faults);
                Place::Business
            }
        }),
    }
}

fn on_business(
    network: &Spanned<Network>,
    members: &[Member],
    follows: Follows,
    faults: &mut Vec<Fault>,
) {
    let may_have_it = |member: &Member| match follows {
        Follows::Master => !member.witness,
        Follows::Slot(slot) => slot_of(member) == Some(slot),
        Follows::SlotElseMaster(slot) => !member.witness || slot_of(member) == Some(slot),
    };
    let without = |member: &&Member| member.business.is_none() && may_have_it(member);
    if let Some(member) = members.iter().find(without) {
        let (cause, cure) = match follows {
            Follows::Master => (
                "a member that may become master has no business network to carry this address",
                "give it business = { address, interface }, make it a witness, or choose another network",
            ),
            Follows::SlotElseMaster(_) => (
                "the member in this slot, or one that may become master and take it over, has no business network to \
                 carry this address",
                "give it business = { address, interface }, take takeover out, or choose another network",
            ),
            Follows::Slot(_) => (
                "the member in this slot has no business network to carry this address",
                "give it business = { address, interface }, or choose another network",
            ),
        };
        let fault = Fault::new(network.span(), cause, cure);
        faults.push(fault.also(member.at.clone(), "this member"));
    }
}
