//! Whether those who speak with each other speak one family.

use std::net::IpAddr;

use toml::Spanned;

use super::address::family;
use crate::config::fault::Fault;
use crate::config::file::{Connection, Management, Member};

/// The management network, whose family is its group's, and the business network. Virtual addresses are free:
/// nobody of the cluster speaks with them.
pub(super) fn check(management: Option<&Management>, members: &[Member], faults: &mut Vec<Fault>) {
    let group = management.and_then(|management| management.group.as_ref());
    let on_management = members
        .iter()
        .filter_map(|member| member.management.as_ref());
    let on_business = members.iter().filter_map(|member| member.business.as_ref());
    alike(
        "management",
        group.into_iter().chain(on_management.filter_map(address)),
        faults,
    );
    alike("business", on_business.filter_map(address), faults);
}

fn address(connection: &Connection) -> Option<&Spanned<IpAddr>> {
    connection.address.as_ref()
}

fn alike<'a>(
    network: &str,
    mut addresses: impl Iterator<Item = &'a Spanned<IpAddr>>,
    faults: &mut Vec<Fault>,
) {
    let Some(first) = addresses.next() else {
        return;
    };
    let wanted = family(*first.get_ref());
    for other in addresses.filter(|other| family(*other.get_ref()) != wanted) {
        let cause = format!(
            "{} is {}, where the {network} network speaks {wanted}",
            other.get_ref(),
            family(*other.get_ref()),
        );
        let cure = "give all members of a network addresses of one family; the group is of the management network's";
        let fault = Fault::new(other.span(), cause, cure);
        faults.push(fault.also(first.span(), format!("{wanted} here")));
    }
}
