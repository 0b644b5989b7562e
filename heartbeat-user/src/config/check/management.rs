//! `[management]`: group, ports and times.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use heartbeat_core::config::Timing;
use toml::Spanned;

use crate::config::Transport;
use crate::config::duration;
use crate::config::fault::Fault;
use crate::config::file::{Cluster, Management};
use crate::config::value::Wrong;

const DEFAULT_PORT: u16 = 7405;
const DEFAULT_CONTROL_PORT: u16 = 7406;
const DEFAULT_REPLICATION_PORT: u16 = 7407;
const DEFAULT_PERIOD: Duration = Duration::from_millis(10);
const DEFAULT_MULTIPLIER: u16 = 5;
/// Shortest and longest time between two probes.
const MIN_PERIOD: Duration = Duration::from_millis(1);
const MAX_PERIOD: Duration = Duration::from_secs(10);
/// The longest lease that can be configured: the longest period, 255 times.
const MAX_LEASE: Duration = Duration::from_secs(10 * 255);
/// What a daemon needs at least to end and start anew on a busy machine: the default of `max_lease` is no
/// shorter, since a planned restart has no more.
const RESTART_TIME: Duration = Duration::from_millis(500);

/// Most members that each get a probe of their own: a period has so many frames of the master's.
const MOST_BY_UNICAST: usize = 9;

/// The ports, which differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) heartbeats: u16,
    pub(super) control: u16,
    pub(super) replication: u16,
}

/// Group (if there is one) and ports.
pub(super) fn check(
    management: &Management,
    members: usize,
    faults: &mut Vec<Fault>,
) -> Option<(Option<IpAddr>, Ports)> {
    let ports = ports(management, faults);
    if let Some(transport) = &management.transport
        && *transport.get_ref() == Transport::Unicast
    {
        if members > MOST_BY_UNICAST {
            faults.push(Fault::new(
                transport.span(),
                format!("unicast heartbeats for {members} members: each probe would be sent to each of them"),
                format!("name a multicast group instead, or keep to {MOST_BY_UNICAST} members"),
            ));
        }
        return Some((None, ports));
    }
    let group = management.group.as_ref()?;
    if let Some(wrong) = unusable_group(*group.get_ref()) {
        faults.push(Fault::new(group.span(), wrong.cause, wrong.cure));
    }
    Some((Some(*group.get_ref()), ports))
}

fn ports(management: &Management, faults: &mut Vec<Fault>) -> Ports {
    let port_or = |port: &Option<Spanned<u16>>, default| {
        port.as_ref().map_or(default, |port| *port.get_ref())
    };
    let (port, control, replication) = (
        &management.port,
        &management.control_port,
        &management.replication_port,
    );
    let ports = Ports {
        heartbeats: port_or(port, DEFAULT_PORT),
        control: port_or(control, DEFAULT_CONTROL_PORT),
        replication: port_or(replication, DEFAULT_REPLICATION_PORT),
    };
    let mut differ =
        |number: u16, other: u16, at: Option<&Spanned<u16>>, cause: &str, cure: &str| {
            if number == other {
                faults.push(Fault::new(
                    at.map_or(0..0, Spanned::span),
                    format!("{cause} on port {number}"),
                    cure,
                ));
            }
        };
    differ(
        ports.heartbeats,
        ports.control,
        control.as_ref().or(port.as_ref()),
        "heartbeats and votes both",
        &format!(
            "give one of port and control_port another number; by default they are {DEFAULT_PORT} and \
             {DEFAULT_CONTROL_PORT}"
        ),
    );
    let cure = format!(
        "give replication_port another number than port and control_port; by default it is {DEFAULT_REPLICATION_PORT}"
    );
    for (other, with, what) in [
        (ports.heartbeats, port, "heartbeats"),
        (ports.control, control, "votes"),
    ] {
        let at = replication.as_ref().or(with.as_ref());
        let cause = format!("{what} and the daemons' links both");
        differ(ports.replication, other, at, &cause, &cure);
    }
    ports
}

fn unusable_group(group: IpAddr) -> Option<Wrong> {
    match group {
        IpAddr::V4(v4) => unusable_group_v4(v4),
        IpAddr::V6(v6) => unusable_group_v6(v6),
    }
}

fn unusable_group_v4(group: Ipv4Addr) -> Option<Wrong> {
    const CURE: &str = "choose a group of your own site (RFC 2365): 239.192.0.0 to 239.195.255.255";
    if !group.is_multicast() {
        return Some(Wrong::new(format!("{group} is no multicast group"), CURE));
    }
    if let [224, 0, 0, _] = group.octets() {
        let cause = format!("{group} is reserved for the network's own protocols (RFC 5771)");
        return Some(Wrong::new(cause, CURE));
    }
    None
}

fn unusable_group_v6(group: Ipv6Addr) -> Option<Wrong> {
    const CURE: &str =
        "choose a group of the link with a number of your own, such as \"ff02::7405\"";
    if !group.is_multicast() {
        return Some(Wrong::new(format!("{group} is no multicast group"), CURE));
    }
    let [0xff02, parts @ ..] = group.segments() else {
        let cause = format!(
            "{group} is no group of one link (ff02::/16), and heartbeats never leave theirs"
        );
        return Some(Wrong::new(cause, CURE));
    };
    // ff02::1 to ff02::1ff, ff02::1:0 to ff02::1:ffff, and the groups that stand for single addresses.
    let is_assigned = matches!(
        parts,
        [0, 0, 0, 0, 0, 0, 0..=0x1ff]
            | [0, 0, 0, 0, 0, 1, _]
            | [0, 0, 0, 0, 1 | 2, 0xff00..=0xffff, _]
    );
    is_assigned.then(|| {
        let cause =
            format!("{group} is reserved for the network's own protocols (RFC 4291, RFC 7346)");
        Wrong::new(cause, CURE)
    })
}

/// Period, multiplier and longest lease.
pub(super) fn timing(
    management: &Management,
    cluster: &Cluster,
    faults: &mut Vec<Fault>,
) -> Option<Timing> {
    if let Some(wait) = &cluster.preempt_after
        && wait.get_ref().is_zero()
    {
        let cause = "a slot that takes mastership back at once moves it needlessly";
        let cure =
            "write a time, such as \"10m\", or take the key out: then mastership stays where it is";
        faults.push(Fault::new(wait.span(), cause, cure));
    }
    let period = match &management.period {
        Some(period) => in_range(period, faults)?,
        None => DEFAULT_PERIOD,
    };
    let multiplier = management
        .detect_multiplier
        .as_ref()
        .map_or(DEFAULT_MULTIPLIER, |multiplier| *multiplier.get_ref());
    let lease = period * u32::from(multiplier);
    let max_lease = max_lease(cluster, lease, faults);
    Some(Timing {
        period,
        multiplier: u32::from(multiplier),
        max_lease,
        restart_lease: restart_lease(cluster, lease, max_lease, faults),
    })
}

fn in_range(period: &Spanned<Duration>, faults: &mut Vec<Fault>) -> Option<Duration> {
    if (MIN_PERIOD..=MAX_PERIOD).contains(period.get_ref()) {
        return Some(*period.get_ref());
    }
    let length = duration::format(*period.get_ref());
    let cause = format!("a period of {length} is not between 1ms and 10s");
    let cure = "write period = \"10ms\" unless you measured that a shorter one is safe";
    faults.push(Fault::new(period.span(), cause, cure));
    None
}

fn max_lease(cluster: &Cluster, lease: Duration, faults: &mut Vec<Fault>) -> Duration {
    let Some(longest) = &cluster.max_lease else {
        return (lease * 4).clamp(RESTART_TIME, MAX_LEASE);
    };
    if *longest.get_ref() < lease {
        let cause = format!(
            "max_lease is shorter than the lease, period x detect_multiplier = {}",
            duration::format(lease)
        );
        let cure = format!("write at least max_lease = \"{}\"", duration::format(lease));
        faults.push(Fault::new(longest.span(), cause, cure));
    }
    if *longest.get_ref() > MAX_LEASE {
        let cause = "max_lease is longer than the longest lease, 255 periods of 10s";
        let cure = format!(
            "write at most max_lease = \"{}\"",
            duration::format(MAX_LEASE)
        );
        faults.push(Fault::new(longest.span(), cause, cure));
    }
    *longest.get_ref()
}

/// By default as long as a grant may last: the next process then has the most time.
fn restart_lease(
    cluster: &Cluster,
    lease: Duration,
    max_lease: Duration,
    faults: &mut Vec<Fault>,
) -> Duration {
    let Some(named) = &cluster.restart_lease else {
        return max_lease;
    };
    if *named.get_ref() < lease {
        let cause = format!(
            "restart_lease is shorter than the lease, period x detect_multiplier = {}",
            duration::format(lease)
        );
        let cure = format!(
            "write at least restart_lease = \"{}\", or take the key out",
            duration::format(lease)
        );
        faults.push(Fault::new(named.span(), cause, cure));
    }
    if *named.get_ref() > max_lease {
        let cause = format!(
            "restart_lease is longer than max_lease = {}, above which nobody grants",
            duration::format(max_lease)
        );
        let cure = format!(
            "write at most restart_lease = \"{0}\", or raise max_lease too",
            duration::format(max_lease)
        );
        faults.push(Fault::new(named.span(), cause, cure));
    }
    *named.get_ref()
}
