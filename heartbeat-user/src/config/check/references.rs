//! Devices that tell a node whether it is on its business network: others, and on that very network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use heartbeat_core::config::PairRules;
use toml::Spanned;

use super::address::{family, unusable};
use super::members::addresses;
use crate::config::fault::Fault;
use crate::config::file::{File, Member};

/// More prove nothing more.
const MOST: usize = PairRules::MOST_REFERENCES as usize;

/// The devices listed; what is wrong with them is a fault.
pub(super) fn list(
    list: &Spanned<Vec<Spanned<IpAddr>>>,
    file: &File,
    faults: &mut Vec<Fault>,
) -> Vec<IpAddr> {
    if !(1..=MOST).contains(&list.get_ref().len()) {
        let cause = format!("{} references", list.get_ref().len());
        let cure = format!("list 1 to {MOST} addresses; a majority of them has to answer");
        faults.push(Fault::new(list.span(), cause, cure));
    }
    each(list.get_ref(), file, faults);
    list.get_ref().iter().map(|it| *it.get_ref()).collect()
}

fn each(list: &[Spanned<IpAddr>], file: &File, faults: &mut Vec<Fault>) {
    let virtual_addresses = file.virtual_addresses.iter().filter_map(|it| {
        let address = it.address.as_ref()?;
        Some((address.get_ref().0, address.span()))
    });
    let members = file.members.iter().flat_map(addresses);
    let taken: BTreeMap<IpAddr, Range<usize>> = members
        .map(|address| (*address.get_ref(), address.span()))
        .chain(virtual_addresses)
        .collect();
    let business = file.members.iter().find_map(business_address);
    let mut seen = BTreeMap::new();
    for reference in list {
        let address = *reference.get_ref();
        if let Some(wrong) = unusable(address) {
            faults.push(Fault::new(reference.span(), wrong.cause, wrong.cure));
        } else if let Some(there) = taken.get(&address) {
            let cause = format!(
                "{address} is the cluster's own address, which says nothing of the network"
            );
            let cure = "name one physical device that is no member";
            faults.push(Fault::new(reference.span(), cause, cure).also(there.clone(), "here"));
        } else if let Some(business) = business
            && family(address) != family(*business.get_ref())
        {
            let cause = format!(
                "{address} is {}, and the business network speaks {}",
                family(address),
                family(*business.get_ref())
            );
            let cure = "name an address of the business network's family";
            faults.push(Fault::new(reference.span(), cause, cure).also(business.span(), "here"));
        }
        if let Some(first) = seen.insert(address, reference.span()) {
            let cause = format!("reference {address} is listed twice");
            faults.push(
                Fault::new(reference.span(), cause, "list each once").also(first, "first here"),
            );
        }
    }
}

fn business_address(member: &Member) -> Option<&Spanned<IpAddr>> {
    member.business.as_ref()?.address.as_ref()
}
