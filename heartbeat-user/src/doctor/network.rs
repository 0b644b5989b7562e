//! This node's interfaces, and the network behind them as far as it shows from here.

use std::fs;
use std::path::Path;

use super::{Finding, Patient};
use crate::config::{Attach, Connection};
use crate::datapath::{OnInterface, has_tcx, program_on};
use crate::net::netlink::{Address, Link, Netlink};

/// Longest frame of ours that a link must carry, in bytes: control datagrams are made to fit Ethernet's.
const NEEDED_MTU: u32 = 1500;

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let mut netlink = match Netlink::open() {
        Ok(netlink) => netlink,
        Err(error) => return vec![Finding::note("interfaces", error.to_string())],
    };
    let addresses = netlink.addresses().unwrap_or_default();
    let goes_beside = match patient.config.attach {
        Attach::Auto | Attach::Tc => has_tcx(),
        Attach::Native | Attach::Generic => false,
    };
    let mut found = Vec::new();
    for (network, connection) in patient.connections() {
        let subject = &format!("{network} network");
        match netlink.link(&connection.interface) {
            Ok(link) => {
                found.push(place(subject, &link, connection, &addresses));
                found.push(mtu(subject, &link));
                found.extend(bridge(subject, &link));
                found.push(responder(
                    subject,
                    &link,
                    goes_beside,
                    program_on(&link.name).map_err(|error| error.to_string()),
                ));
            }
            Err(error) => found.push(Finding::fault(
                subject,
                error.to_string(),
                format!(
                    "make interface {}, or correct `interface` of slot {} in the configuration",
                    connection.interface, patient.slot
                ),
            )),
        }
    }
    found
}

fn place(subject: &str, link: &Link, connection: &Connection, addresses: &[Address]) -> Finding {
    let (name, address) = (&link.name, connection.address);
    let is_it = |it: &&Address| it.address == address;
    match addresses.iter().find(is_it) {
        _ if !link.up => Finding::fault(
            subject,
            format!("interface {name} is switched off"),
            format!("ip link set dev {name} up"),
        ),
        _ if !link.running => Finding::fault(
            subject,
            format!("interface {name} has no carrier"),
            "the cable, or the switch's port",
        ),
        Some(found) if found.link_index == link.index => {
            Finding::good(subject, format!("{name} is up and has {address}"))
        }
        Some(_) => Finding::fault(
            subject,
            format!("another interface than {name} has {address}"),
            format!("move the address to {name}, or correct `interface` in the configuration"),
        ),
        None => Finding::fault(
            subject,
            format!("{name} has not this node's address {address}"),
            format!("give it to {name}, or correct `address` in the configuration"),
        ),
    }
}

fn mtu(subject: &str, link: &Link) -> Finding {
    let text = format!("{} carries packets of {} bytes", link.name, link.mtu);
    if link.mtu < NEEDED_MTU {
        Finding::warning(
            subject,
            text + ": what members tell each other of a large cluster is cut into fragments",
            format!(
                "ip link set dev {} mtu {NEEDED_MTU}, on every node and switch of this network",
                link.name
            ),
        )
    } else {
        Finding::good(subject, text)
    }
}

/// A bridge of this machine that snoops and hears no querier forwards a group for some minutes, and then no more.
fn bridge(subject: &str, link: &Link) -> Option<Finding> {
    if link.kind.as_deref() != Some("bridge") {
        return None;
    }
    let folder = Path::new("/sys/class/net").join(&link.name).join("bridge");
    let setting = |name| fs::read_to_string(folder.join(name)).ok();
    let (snoops, asks) = (
        setting("multicast_snooping")?,
        setting("multicast_querier")?,
    );
    Some(if snoops.trim() != "0" && asks.trim() == "0" {
        Finding::warning(
            subject,
            format!(
                "{} is a bridge that snoops and asks nobody: without a querier elsewhere it stops forwarding heartbeats by \
                 multicast after minutes",
                link.name
            ),
            format!(
                "ip link set dev {} type bridge mcast_querier 1, or mcast_snooping 0",
                link.name
            ),
        )
    } else {
        Finding::good(
            subject,
            format!("{} is a bridge that goes on forwarding groups", link.name),
        )
    })
}

/// `goes_beside`: another XDP program is no hindrance to this kernel and this configuration.
fn responder(
    subject: &str,
    link: &Link,
    goes_beside: bool,
    found: Result<Option<OnInterface>, String>,
) -> Finding {
    let name = &link.name;
    match found {
        Err(why) => Finding::note(subject, why),
        Ok(None) => Finding::good(subject, format!("{name} has no XDP program of anybody's")),
        Ok(Some(program)) if !program.is_ours && goes_beside => Finding::note(
            subject,
            format!(
                "{name} has an XDP program of somebody else's ({}, number {}): heartbeats are answered behind it, at tcx \
                 ingress, so it must pass them",
                program.name, program.id
            ),
        ),
        Ok(Some(program)) if !program.is_ours => Finding::fault(
            subject,
            format!(
                "{name} has an XDP program of somebody else's ({}, number {}): an interface has place for one",
                program.name, program.id
            ),
            format!(
                "attach = \"auto\" on Linux 6.6 or later, which answers behind it; or ip link set dev {name} xdp off; or \
                 another interface for heartbeats; `bpftool net` says whose it is"
            ),
        ),
        Ok(Some(program)) if !program.is_native => Finding::note(
            subject,
            format!(
                "{name} answers heartbeats in generic mode, some microseconds more a frame: its driver has no native XDP, or it \
                 is a veth, or the configuration says so"
            ),
        ),
        Ok(Some(_)) => Finding::good(subject, format!("{name} answers heartbeats in its driver")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::Weight;
    use super::*;

    fn link() -> Link {
        Link {
            index: 3,
            name: "mgmt0".into(),
            mac: None,
            up: true,
            running: true,
            mtu: 1500,
            kind: None,
            parent: None,
        }
    }

    fn address(link_index: u32, address: IpAddr) -> Address {
        Address {
            link_index,
            address,
            prefix_len: 24,
            flags: crate::net::netlink::AddressFlags::empty(),
            protocol: 0,
            priority: 0,
        }
    }

    #[test]
    fn an_interface_must_be_up_and_have_this_nodes_address() {
        let own: IpAddr = [198, 51, 100, 1].into();
        let connection = Connection {
            address: own,
            interface: "mgmt0".into(),
        };
        let judged = |link: &Link, addresses: &[Address]| place("x", link, &connection, addresses);
        assert_eq!(judged(&link(), &[address(3, own)]).weight, Weight::Good);
        let off = Link {
            up: false,
            ..link()
        };
        let unplugged = Link {
            running: false,
            ..link()
        };
        for (link, addresses, named) in [
            (off, vec![address(3, own)], "switched off"),
            (unplugged, vec![address(3, own)], "carrier"),
            (link(), vec![address(4, own)], "another interface"),
            (link(), vec![], "has not"),
        ] {
            let found = judged(&link, &addresses);
            assert!(
                found.weight == Weight::Fault && found.text.contains(named),
                "{found:?}"
            );
        }
    }

    #[test]
    fn somebody_elses_program_is_a_fault_where_it_is_a_hindrance_and_a_slow_mode_is_none() {
        let program = |is_ours, is_native| {
            Ok(Some(OnInterface {
                id: 7,
                name: "filter".into(),
                is_ours,
                is_native,
            }))
        };
        let weight = |found| responder("x", &link(), false, found).weight;
        assert_eq!(weight(Ok(None)), Weight::Good);
        assert_eq!(weight(program(true, true)), Weight::Good);
        assert_eq!(weight(program(true, false)), Weight::Note);
        assert_eq!(weight(program(false, true)), Weight::Fault);
        let beside = responder("x", &link(), true, program(false, true));
        assert_eq!(beside.weight, Weight::Note);
        assert!(beside.text.contains("filter, number 7"), "{beside:?}");
        assert_eq!(
            mtu(
                "x",
                &Link {
                    mtu: 1280,
                    ..link()
                }
            )
            .weight,
            Weight::Warning
        );
    }
}
