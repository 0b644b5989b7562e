//! What this node is.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::utsname::uname;

use crate::control::{DriverFacts, InterfaceFacts, NodeFacts, rfc3339};
use crate::daemon::linked::word;
use crate::daemon::plan::{LOOPBACK, Plan};
use crate::daemon::shared::Facts;
use crate::net::netlink::{Link, Netlink};
use crate::sys::ethtool;

/// What cannot be found out is empty or null: the rest is worth as much without it.
pub(super) fn facts(plan: &Plan, facts: &Facts) -> NodeFacts {
    let names = uname().ok();
    let text = |of: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
        let text = names.as_ref().map(|names| of(names).to_string_lossy());
        text.unwrap_or_default().into_owned()
    };
    let links = Netlink::open().and_then(|mut netlink| netlink.links());
    let links = links.unwrap_or_default();
    let gated = plan.gated();
    let names_of_interfaces = gated.iter().filter(|name| *name != LOOPBACK);
    NodeFacts {
        host: text(nix::sys::utsname::UtsName::nodename),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slot: plan.slot,
        kernel: text(nix::sys::utsname::UtsName::release),
        booted_at: booted_at().unwrap_or_default(),
        configuration: format!("{:016x}", plan.config.digest),
        interfaces: names_of_interfaces
            .map(|name| interface(name, plan, facts, &links))
            .collect(),
    }
}

fn interface(name: &str, plan: &Plan, facts: &Facts, links: &[Link]) -> InterfaceFacts {
    let mut connections = plan.connections();
    let network = connections.find(|(_, connection)| connection.interface == name);
    let driver = ethtool::driver(name).ok().map(|driver| DriverFacts {
        name: driver.name,
        version: driver.version,
        firmware: driver.firmware,
        bus: driver.bus,
    });
    let link = links.iter().find(|link| link.name == name);
    InterfaceFacts {
        name: name.to_owned(),
        network: network.map(|(network, _)| word(network).to_owned()),
        mac: link.and_then(|link| link.mac).map(|mac| mac.to_string()),
        driver,
        xdp: facts.mode(name).map(|mode| mode.as_str().to_owned()),
    }
}

/// The line `btime` of /proc/stat (proc_stat(5)): when the machine was started, in seconds since the epoch.
fn booted_at() -> Option<String> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    let seconds = line.trim().parse().ok()?;
    Some(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)))
}
