//! `[[member]]`: each one complete, and no two alike.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use heartbeat_core::Slot;
use toml::Spanned;

use super::address::unusable;
use super::is_name;
use crate::config::fault::Fault;
use crate::config::{Connection, Member, file};

/// Longest name of a member, in bytes: what Linux takes as a host name.
const MAX_NAME_LEN: usize = 64;

/// All members by slot; `None` if one of them is incomplete.
pub(super) fn check(
    members: &[file::Member],
    faults: &mut Vec<Fault>,
) -> Option<BTreeMap<Slot, Member>> {
    if members.is_empty() {
        let cure = "add a [[member]] for every machine of the cluster";
        faults.push(Fault::of_file("the cluster has no members", cure));
    }
    unique(
        members.iter().filter_map(|m| m.slot.as_ref()),
        faults,
        |slot| {
            (
                format!("slot {slot} is used twice"),
                "a slot is one member's own rank: give this one another",
            )
        },
    );
    unique(
        members.iter().filter_map(|m| m.name.as_ref()),
        faults,
        |name| {
            (
                format!("two members are called \"{name}\""),
                "give this one another name",
            )
        },
    );
    unique(members.iter().flat_map(addresses), faults, |address| {
        (
            format!("{address} is used twice"),
            "every member has an address of its own on each network",
        )
    });
    for member in members {
        check_name(member, faults);
        check_addresses(member, faults);
        check_interfaces(member, faults);
    }
    members.iter().map(member).collect()
}

/// Every address that the file gives to this member.
pub(super) fn addresses(member: &file::Member) -> impl Iterator<Item = &Spanned<IpAddr>> {
    [&member.management, &member.business]
        .into_iter()
        .filter_map(|connection| connection.as_ref()?.address.as_ref())
}

fn unique<'a, T: Ord + 'a>(
    values: impl Iterator<Item = &'a Spanned<T>>,
    faults: &mut Vec<Fault>,
    twice: impl Fn(&T) -> (String, &'static str),
) {
    let mut seen: BTreeMap<&T, Range<usize>> = BTreeMap::new();
    for value in values {
        if let Some(first) = seen.get(value.get_ref()) {
            let (cause, cure) = twice(value.get_ref());
            let fault = Fault::new(value.span(), cause, cure);
            faults.push(fault.also(first.clone(), "first here"));
        } else {
            seen.insert(value.get_ref(), value.span());
        }
    }
}

fn check_name(member: &file::Member, faults: &mut Vec<Fault>) {
    let Some(name) = &member.name else { return };
    if !is_name(name.get_ref(), MAX_NAME_LEN, &['-', '_', '.']) {
        let cure = format!(
            "use 1 to {MAX_NAME_LEN} letters (a-z, A-Z), digits, -, _ and ., beginning with a letter or digit"
        );
        faults.push(Fault::new(
            name.span(),
            "this cannot be a member's name",
            cure,
        ));
    }
}

fn check_addresses(member: &file::Member, faults: &mut Vec<Fault>) {
    for address in addresses(member) {
        if let Some(wrong) = unusable(*address.get_ref()) {
            faults.push(Fault::new(address.span(), wrong.cause, wrong.cure));
        }
    }
}

fn check_interfaces(member: &file::Member, faults: &mut Vec<Fault>) {
    let interface = |connection: &Option<file::Connection>| connection.as_ref()?.interface.clone();
    let (Some(management), Some(business)) =
        (interface(&member.management), interface(&member.business))
    else {
        return;
    };
    if management.get_ref() == business.get_ref() {
        let cause = format!("both networks on interface {}", business.get_ref());
        let cure = "name another interface, or take `business` out: with one network, virtual addresses have \
                    network = \"management\"";
        faults.push(Fault::new(business.span(), cause, cure).also(management.span(), "first here"));
    }
}

fn member(member: &file::Member) -> Option<(Slot, Member)> {
    let business = match &member.business {
        Some(business) => Some(connection(business)?),
        None => None,
    };
    let complete = Member {
        name: member.name.as_ref()?.get_ref().clone(),
        management: connection(member.management.as_ref()?)?,
        business,
        witness: member.witness,
    };
    Some((*member.slot.as_ref()?.get_ref(), complete))
}

fn connection(connection: &file::Connection) -> Option<Connection> {
    Some(Connection {
        address: *connection.address.as_ref()?.get_ref(),
        interface: connection.interface.as_ref()?.get_ref().clone(),
    })
}
