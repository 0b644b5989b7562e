//! `[[virtual_address]]`

use std::collections::BTreeSet;

use super::Report;
use super::text::{line, quoted};
use super::vrrp::{Instance, Vrrp};

pub(super) fn write(toml: &mut String, vrrp: &Vrrp, first: &Instance, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for instance in &vrrp.instances {
        for it in &instance.addresses {
            if !seen.insert(it.address) {
                report.lost(
                    &it.at,
                    &it.address.to_string(),
                    "it stands in the file twice",
                );
                continue;
            }
            let interface = it.interface.as_ref().or(instance.interface.as_ref());
            *toml += "\n[[virtual_address]]\n";
            let address = quoted(&format!("{}/{}", it.address, it.prefix));
            line(toml, "address", &address, &it.at.to_string());
            match interface.filter(|it| Some(*it) != first.interface.as_ref()) {
                None => line(toml, "network", "\"management\"", ""),
                Some(other) => line(toml, "interface", &quoted(other), ""),
            }
        }
    }
    if seen.is_empty() {
        let why = "it has no address: nothing moves but mastership, and what hooks do";
        report.changed(&first.at, &format!("vrrp_instance {}", first.name), why);
    }
    tracked_interfaces(vrrp, first, report);
}

/// The interface of heartbeats is watched by the heartbeats themselves.
fn tracked_interfaces(vrrp: &Vrrp, first: &Instance, report: &mut Report) {
    let of_groups = vrrp.groups.iter().flat_map(|it| &it.tracks.interfaces);
    let of_instances = vrrp.instances.iter().flat_map(|it| &it.tracks.interfaces);
    for track in of_groups.chain(of_instances) {
        if first.interface.as_ref() == Some(&track.name) {
            continue;
        }
        let why = "give every member `business = { address, interface }` there, and a [[service]] with link = \"business\": \
                   a master whose link is down then hands over";
        report.lost(&track.at, &format!("track_interface {}", track.name), why);
    }
}
