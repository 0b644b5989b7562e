//! `[cluster]`, `[management]` and the members.

use std::net::IpAddr;
use std::time::Duration;

use super::text::{line, name, quoted};
use super::vrrp::{Instance, Vrrp};
use super::{Options, Report};
use crate::config::duration;

/// Longest name of a cluster.
const LONGEST_NAME: usize = 32;
/// A majority needs so many.
const FEWEST: usize = 3;
/// More members hear heartbeats by multicast only.
const MOST_BY_UNICAST: usize = 9;
/// Longest period.
const LONGEST_PERIOD: Duration = Duration::from_secs(10);
const INTERFACE: &str = "INTERFACE-OF-VRRP";

/// Writes the tables; the cluster's name comes back.
pub(super) fn write(
    toml: &mut String,
    vrrp: &Vrrp,
    first: &Instance,
    options: &Options,
    report: &mut Report,
) -> String {
    let named = cluster(toml, vrrp, first, report);
    management(toml, first, report);
    members(toml, first, options, report);
    differing(vrrp, first, report);
    named
}

fn cluster(toml: &mut String, vrrp: &Vrrp, first: &Instance, report: &mut Report) -> String {
    let group = (vrrp.groups.iter()).find(|group| group.members.contains(&first.name));
    let named = name(group.map_or(&first.name, |group| &group.name), LONGEST_NAME);
    *toml += "\n[cluster]\n";
    line(
        toml,
        "name",
        &quoted(&named),
        "of the sync group, or the first vrrp_instance",
    );
    line(toml, "mode", "\"quorum\"", "");
    line(
        toml,
        "key_file",
        "\"cluster.key\"",
        "made by `heartbeatctl keygen`, copied to every node",
    );
    if first.preempts {
        let wait = lease(first) + first.preempt_delay;
        let comment = "without nopreempt the lowest slot takes mastership back";
        line(
            toml,
            "preempt_after",
            &quoted(&duration::format(wait)),
            comment,
        );
    } else {
        *toml += "# nopreempt: mastership stays where it is, which is the default here.\n";
    }
    if !first.starts_as_master {
        let why = "ranks are slots: give the machine of the highest priority the lowest";
        report.changed(&first.at, "priority", why);
    }
    named
}

/// keepalived replaces a silent master after 3 advertisements and up to one more.
fn lease(instance: &Instance) -> Duration {
    instance.advert * (instance.adverts + 1)
}

fn management(toml: &mut String, first: &Instance, report: &mut Report) {
    *toml += "\n[management]\n";
    if is_unicast(first) {
        line(toml, "transport", "\"unicast\"", "unicast_peer");
    } else {
        let comment = "its end is the virtual_router_id";
        line(toml, "group", &quoted(&group(first)), comment);
    }
    let shorter = first.advert.min(LONGEST_PERIOD);
    let periods = lease(first).as_nanos().div_ceil(shorter.as_nanos().max(1));
    line(
        toml,
        "period",
        &quoted(&duration::format(shorter)),
        "advert_int",
    );
    let comment = format!(
        "a lease of {}, keepalived's longest wait for a silent master",
        duration::format(lease(first))
    );
    line(toml, "detect_multiplier", &periods.to_string(), &comment);
    *toml += "# A fiftieth of it will do on most networks: `heartbeatctl tune` says what this one carries.\n";
    if first.peers.len() + 1 > MOST_BY_UNICAST {
        let why =
            "unicast heartbeats are for at most 9 members: the network must forward the group";
        report.changed(&first.at, "unicast_peer", why);
    }
}

fn is_unicast(first: &Instance) -> bool {
    (1..MOST_BY_UNICAST).contains(&first.peers.len())
}

/// A group of a site's own (RFC 2365), or one of the link; told apart as the routers were.
fn group(first: &Instance) -> String {
    if is_ipv6(first) {
        format!("ff02::7405:{}", first.router_id)
    } else {
        format!("239.192.7.{}", first.router_id)
    }
}

fn is_ipv6(first: &Instance) -> bool {
    let known = first.own.iter().chain(&first.peers);
    let first_known = known.copied().next();
    let shown = first.addresses.first().map(|it| it.address);
    first_known.or(shown).is_some_and(|it| it.is_ipv6())
}

fn members(toml: &mut String, first: &Instance, options: &Options, report: &mut Report) {
    if first.interface.is_none() {
        let meaning = "the interface that the members' addresses are on (vrrp_instance names none)";
        report.fill_in(INTERFACE, meaning);
    }
    // Who starts as master ranks first; otherwise this machine is behind one that does.
    let others: Vec<Option<IpAddr>> = match &first.peers[..] {
        [] => vec![None],
        peers => peers.iter().copied().map(Some).collect(),
    };
    let own = usize::from(!first.starts_as_master);
    let mut addresses = others;
    addresses.insert(own.min(addresses.len()), first.own);
    for (index, address) in addresses.iter().enumerate() {
        let (slot, comment) = (
            index + 1,
            if index == own {
                "this file's machine"
            } else {
                ""
            },
        );
        let word = format!("ADDRESS-OF-SLOT-{slot}");
        if address.is_none() {
            let meaning = if index == own {
                "the address of this file's machine on the interface of its vrrp_instance"
            } else {
                "the other machine's address there"
            };
            report.fill_in(&word, meaning);
        }
        member(
            toml,
            first,
            (slot, comment),
            address.map_or(word, |it| it.to_string()),
        );
    }
    if addresses.len() > 2 {
        let why =
            "slots of the peers are in the order of the list: the lowest slot is master first";
        report.changed(&first.at, "unicast_peer", why);
    }
    if addresses.len() < FEWEST {
        let slot = addresses.len() + 1;
        witness(toml, first, slot, options, report);
    }
}

fn member(toml: &mut String, first: &Instance, (slot, comment): (usize, &str), address: String) {
    *toml += "\n[[member]]\n";
    line(toml, "slot", &slot.to_string(), comment);
    line(toml, "name", &quoted(&format!("n{slot}")), "");
    let interface = first.interface.as_deref().unwrap_or(INTERFACE);
    let value = format!(
        "{{ address = {}, interface = {} }}",
        quoted(&address),
        quoted(interface)
    );
    line(toml, "management", &value, "");
}

/// Two machines have no majority, and keepalived has nothing in its place.
fn witness(
    toml: &mut String,
    first: &Instance,
    slot: usize,
    options: &Options,
    report: &mut Report,
) {
    let word = format!("ADDRESS-OF-SLOT-{slot}");
    if options.witness.is_none() {
        let meaning = "a third machine there that only votes (or convert with --witness ADDRESS); two alone can be a \
                       pair with evidence instead: \"A pair\" in docs/configuration.md";
        report.fill_in(&word, meaning);
    }
    let address = options.witness.map_or(word, |it| it.to_string());
    let comment = "a majority needs a third: it answers and votes, and is never master";
    member(toml, first, (slot, comment), address);
    line(toml, "witness", "true", "");
}

/// What several instances cannot have each for itself.
fn differing(vrrp: &Vrrp, first: &Instance, report: &mut Report) {
    let group = (vrrp.groups.iter()).find(|group| group.members.contains(&first.name));
    for other in &vrrp.instances[1..] {
        let what = format!("vrrp_instance {}", other.name);
        if other.starts_as_master != first.starts_as_master {
            let why = format!(
                "it had another master than {} ({}): one cluster has one master, and all addresses move with it",
                first.name, first.at
            );
            report.changed(&other.at, &what, why);
        } else if !group.is_some_and(|group| group.members.contains(&other.name)) {
            let why = format!(
                "it moved by itself, and moves together with {} now",
                first.name
            );
            report.changed(&other.at, &what, why);
        }
        if (other.advert, other.preempts, other.preempt_delay)
            != (first.advert, first.preempts, first.preempt_delay)
        {
            let why = format!("its times and preemption are those of {}", first.name);
            report.lost(&other.at, &what, why);
        }
    }
}
