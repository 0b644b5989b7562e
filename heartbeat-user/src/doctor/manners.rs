//! The interfaces' settings in /proc/sys that decide who answers for an address, and what is dropped.

use std::fs;

use super::{Finding, Patient};
use crate::config::Connection;

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let connections = patient.connections().filter(|(_, it)| it.address.is_ipv4());
    connections
        .flat_map(|(network, it)| of(network, it))
        .collect()
}

fn of(network: &str, connection: &Connection) -> [Finding; 2] {
    let subject = &format!("{network} network");
    let name = connection.interface.as_str();
    // The kernel goes by the larger of the two (ip-sysctl, arp_ignore, arp_announce, rp_filter).
    let value = |setting| {
        [name, "all"]
            .into_iter()
            .filter_map(|of| read(of, setting))
            .max()
    };
    [
        answers(subject, name, value("arp_ignore"), value("arp_announce")),
        way_back(subject, name, value("rp_filter")),
    ]
}

fn read(interface: &str, setting: &str) -> Option<u32> {
    let path = format!("/proc/sys/net/ipv4/conf/{interface}/{setting}");
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn answers(subject: &str, name: &str, ignore: Option<u32>, announce: Option<u32>) -> Finding {
    match (ignore, announce) {
        (Some(1..), Some(2..)) => Finding::good(
            subject,
            format!("{name} answers ARP for its own addresses only"),
        ),
        (Some(_), Some(_)) => Finding::note(
            subject,
            format!(
                "{name} may answer ARP for addresses of other interfaces (arp_ignore, arp_announce); heartbeatd sets them at \
                 its start where it may write /proc/sys"
            ),
        ),
        (None, _) | (_, None) => Finding::note(
            subject,
            format!("the ARP settings of {name} cannot be read"),
        ),
    }
}

fn way_back(subject: &str, name: &str, filter: Option<u32>) -> Finding {
    const STRICT: u32 = 1;
    match filter {
        Some(STRICT) => Finding::note(
            subject,
            format!(
                "{name} drops what comes from where it would not send to (rp_filter = 1): a member with an address in the \
                 network of another interface is not heard here; rp_filter = 2 is loose"
            ),
        ),
        Some(_) => Finding::good(
            subject,
            format!("{name} takes packets by whichever way they come"),
        ),
        None => Finding::note(subject, format!("rp_filter of {name} cannot be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn settings_are_judged_by_what_the_kernel_goes_by() {
        let weight = |ignore, announce| answers("x", "biz0", ignore, announce).weight;
        assert_eq!(weight(Some(1), Some(2)), Weight::Good);
        assert_eq!(weight(Some(0), Some(2)), Weight::Note);
        assert_eq!(weight(None, Some(2)), Weight::Note);
        assert_eq!(way_back("x", "biz0", Some(1)).weight, Weight::Note);
        assert_eq!(way_back("x", "biz0", Some(2)).weight, Weight::Good);
        assert_eq!(way_back("x", "biz0", None).weight, Weight::Note);
    }
}
