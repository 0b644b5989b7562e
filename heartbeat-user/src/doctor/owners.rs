//! Who else configures the interfaces, and may take addresses off them.

use std::fs;
use std::path::Path;

use super::{Finding, Patient};
use crate::net::netlink::Netlink;

/// Where systemd-networkd says what it makes of an interface, by its number.
const NETWORKD: &str = "/run/systemd/netif/links";
/// Where NetworkManager does.
const NETWORK_MANAGER: &str = "/run/NetworkManager/devices";

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let Ok(mut netlink) = Netlink::open() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (network, connection) in patient.connections() {
        // One that is missing is a finding of its own.
        let Ok(link) = netlink.link(&connection.interface) else {
            continue;
        };
        let said =
            |folder: &str| fs::read_to_string(Path::new(folder).join(link.index.to_string()));
        let subject = &format!("{network} network");
        let networkd = said(NETWORKD).map(|text| networkd(subject, &link.name, &text, read));
        let manager = said(NETWORK_MANAGER).map(|text| manager(subject, &link.name, &text));
        found.extend([networkd, manager].into_iter().filter_map(Result::ok));
    }
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

/// Goes by the state file's ADMIN_STATE and NETWORK_FILE, and by KeepConfiguration= in the file named there and its
/// drop-ins, which are not looked at.
fn networkd(subject: &str, name: &str, state: &str, read: impl Fn(&str) -> String) -> Finding {
    let value = |key: &str| {
        state
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let is_managed = !matches!(value("ADMIN_STATE"), None | Some("unmanaged" | "failed"));
    let file = value("NETWORK_FILE").unwrap_or_default();
    let keeps = read(file).lines().any(|line| {
        let line: String = line.split_whitespace().collect();
        matches!(
            line.as_str(),
            "KeepConfiguration=yes" | "KeepConfiguration=static"
        )
    });
    if is_managed && !keeps {
        Finding::warning(
            subject,
            format!(
                "systemd-networkd manages {name}: started again or reconfigured, it takes virtual addresses off (heartbeatd \
                 puts them back)"
            ),
            format!(
                "KeepConfiguration=yes in [Network] of {}",
                if file.is_empty() {
                    "its .network file"
                } else {
                    file
                }
            ),
        )
    } else {
        Finding::good(
            subject,
            format!("systemd-networkd leaves addresses on {name} alone"),
        )
    }
}

fn manager(subject: &str, name: &str, state: &str) -> Finding {
    if state.lines().any(|line| line == "managed=true") {
        Finding::warning(
            subject,
            format!(
                "NetworkManager manages {name}: when it activates a connection on it, it takes virtual addresses off \
                 (heartbeatd puts them back)"
            ),
            format!(
                "`unmanaged-devices=interface-name:{name}` in [keyfile] of a file in /etc/NetworkManager/conf.d"
            ),
        )
    } else {
        Finding::good(subject, format!("NetworkManager leaves {name} alone"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weight;
    use super::*;

    #[test]
    fn networkd_is_warned_of_unless_it_keeps_addresses_or_leaves_the_link_alone() {
        const MANAGED: &str =
            "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/biz0.network\n";
        let found = |state, file: &str| networkd("x", "biz0", state, |_| file.to_owned());
        let warned = found(MANAGED, "[Network]\nAddress=203.0.113.1/24\n");
        assert_eq!(warned.weight, Weight::Warning);
        assert!(
            warned
                .cure
                .is_some_and(|cure| cure.contains("biz0.network"))
        );
        assert_eq!(
            found(MANAGED, "[Network]\nKeepConfiguration = yes\n").weight,
            Weight::Good
        );
        assert_eq!(found("ADMIN_STATE=unmanaged\n", "").weight, Weight::Good);
    }

    #[test]
    fn network_manager_is_warned_of_where_it_manages() {
        let weight = |state| manager("x", "biz0", state).weight;
        assert_eq!(weight("[device]\nmanaged=true\n"), Weight::Warning);
        assert_eq!(weight("[device]\nmanaged=false\n"), Weight::Good);
    }
}
