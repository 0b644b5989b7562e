//! The configuration file as written: its tables and keys, each value with its place.
//!
//! Read key by key from toml's spanned table instead of derived: a derived reader stops at the first
//! unknown key, and an operator wants to hear of all of them at once.

pub(super) mod alarms;
pub(super) mod hooks;
pub(super) mod http;
pub(super) mod metrics;
pub(super) mod services;

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::section::Section;
use super::service::Network;
use super::value::{
    address, address_and_prefix, bytes, flag, follows, interface, list, network, one_of,
    references, slots, text, time, whole, words,
};
use super::{Attach, Evidence, Follows, Mode, Transport};

/// A value with its place; `None` where it is absent or was refused.
pub(super) type Value<T> = Option<Spanned<T>>;

/// The whole file.
pub(super) struct File {
    pub(super) cluster: Option<Cluster>,
    pub(super) management: Option<Management>,
    pub(super) pair: Option<Pair>,
    pub(super) members: Vec<Member>,
    pub(super) virtual_addresses: Vec<VirtualAddress>,
    pub(super) recorder: Option<Recorder>,
    pub(super) services: Vec<services::Service>,
    pub(super) handovers: Option<services::Handovers>,
    pub(super) hooks: Option<hooks::Hooks>,
    pub(super) alarms: Option<alarms::Alarms>,
    pub(super) http: Option<http::Http>,
    pub(super) metrics: Option<metrics::Metrics>,
}

/// `[cluster]`
pub(super) struct Cluster {
    pub(super) at: Range<usize>,
    pub(super) name: Value<String>,
    pub(super) mode: Value<Mode>,
    pub(super) key_file: Value<String>,
    pub(super) electors: Value<Vec<Spanned<u16>>>,
    pub(super) max_lease: Value<Duration>,
    pub(super) restart_lease: Value<Duration>,
    pub(super) preempt_after: Value<Duration>,
}

/// `[management]`
pub(super) struct Management {
    pub(super) transport: Value<Transport>,
    /// Only where heartbeats go by multicast.
    pub(super) group: Value<IpAddr>,
    pub(super) port: Value<u16>,
    pub(super) control_port: Value<u16>,
    pub(super) replication_port: Value<u16>,
    pub(super) period: Value<Duration>,
    pub(super) detect_multiplier: Value<u16>,
    pub(super) attach: Value<Attach>,
}

/// `[pair]`
pub(super) struct Pair {
    pub(super) at: Range<usize>,
    pub(super) require: Value<Vec<Spanned<Evidence>>>,
    pub(super) reference: Value<Vec<Spanned<IpAddr>>>,
    pub(super) fence_command: Value<Vec<String>>,
    pub(super) fence_timeout: Value<Duration>,
    pub(super) fence_delay: Value<Duration>,
}

/// `[[member]]`
pub(super) struct Member {
    pub(super) at: Range<usize>,
    pub(super) slot: Value<u16>,
    pub(super) name: Value<String>,
    pub(super) management: Option<Connection>,
    pub(super) business: Option<Connection>,
    pub(super) witness: bool,
}

/// `{ address, interface }`
pub(super) struct Connection {
    pub(super) address: Value<IpAddr>,
    pub(super) interface: Value<String>,
}

/// `[[virtual_address]]`
pub(super) struct VirtualAddress {
    pub(super) at: Range<usize>,
    pub(super) address: Value<(IpAddr, u8)>,
    pub(super) network: Value<Network>,
    pub(super) interface: Value<String>,
    /// The master, if the key is not there.
    pub(super) follows: Value<Follows>,
    /// Whether a network or an interface stands there at all.
    pub(super) place_given: bool,
}

/// `[recorder]`
pub(super) struct Recorder {
    pub(super) file: Value<String>,
    pub(super) max_size: Value<u64>,
}

impl File {
    /// Reads every key there is, and notes everything that cannot be used.
    pub(super) fn read(whole: &DeTable<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut root = Section::new("the file", 0..0, whole);
        let file = Self {
            cluster: main_table(&mut root, faults, "cluster", "[cluster]")
                .map(|s| cluster(s, faults)),
            management: main_table(&mut root, faults, "management", "[management]")
                .map(|s| management(s, faults)),
            pair: (root.table(faults, "pair", "[pair]")).map(|s| pair(s, faults)),
            members: (root.tables(faults, "member", "[[member]]").into_iter())
                .map(|s| member(s, faults))
                .collect(),
            virtual_addresses: root
                .tables(faults, "virtual_address", "[[virtual_address]]")
                .into_iter()
                .map(|s| virtual_address(s, faults))
                .collect(),
            recorder: (root.table(faults, "recorder", "[recorder]")).map(|s| recorder(s, faults)),
            services: (root.tables(faults, "service", "[[service]]").into_iter())
                .map(|s| services::service(s, faults))
                .collect(),
            handovers: (root.table(faults, "handovers", "[handovers]"))
                .map(|s| services::handovers(s, faults)),
            hooks: root
                .table(faults, "hooks", "[hooks]")
                .map(|s| hooks::hooks(s, faults)),
            alarms: (root.table(faults, "alarms", "[alarms]")).map(|s| alarms::alarms(s, faults)),
            http: (root.table(faults, "http", "[http]")).map(|s| http::http(s, faults)),
            metrics: (root.table(faults, "metrics", "[metrics]"))
                .map(|s| metrics::metrics(s, faults)),
        };
        root.end(faults);
        file
    }
}

fn main_table<'a, 'i>(
    root: &mut Section<'a, 'i>,
    faults: &mut Vec<Fault>,
    key: &'static str,
    name: &'static str,
) -> Option<Section<'a, 'i>> {
    if !root.has(key) {
        let cause = format!("table {name} is missing");
        faults.push(Fault::of_file(cause, format!("add {name} and its keys")));
    }
    root.table(faults, key, name)
}

fn cluster(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Cluster {
    let cluster = Cluster {
        at: s.at(),
        name: s.required(
            faults,
            "name",
            "give the cluster a name: name = \"storage-a\"",
            text,
        ),
        mode: s.required(
            faults,
            "mode",
            "write mode = \"quorum\", or \"pair\" for two machines alone",
            |value| one_of(value, &Mode::ALL.map(|mode| (mode.as_str(), mode))),
        ),
        key_file: s.required(
            faults,
            "key_file",
            "make a key with `heartbeatctl keygen`, copy it to every node, and name it: \
             key_file = \"cluster.key\"",
            text,
        ),
        electors: s.optional(faults, "electors", slots),
        max_lease: s.optional(faults, "max_lease", time),
        restart_lease: s.optional(faults, "restart_lease", time),
        preempt_after: s.optional(faults, "preempt_after", time),
    };
    s.end(faults);
    cluster
}

fn management(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Management {
    let transport = s.optional(faults, "transport", |value| {
        one_of(value, &Transport::ALL.map(|it| (it.as_str(), it)))
    });
    let is_unicast = transport
        .as_ref()
        .is_some_and(|it| *it.get_ref() == Transport::Unicast);
    let group = if is_unicast {
        let cause = "with transport = \"unicast\" heartbeats go to no group";
        s.refuse(faults, "group", cause, "take one of the two keys out");
        None
    } else {
        s.required(
            faults,
            "group",
            "choose a group: group = \"239.192.7.1\", or \"ff02::7405\" for members with IPv6 addresses",
            address,
        )
    };
    let port = |value: &DeValue<'_>| whole(value, "port", 1..=u16::MAX);
    let multiplier = |value: &DeValue<'_>| whole(value, "detect multiplier", 2..=255);
    let management = Management {
        transport,
        group,
        port: s.optional(faults, "port", port),
        control_port: s.optional(faults, "control_port", port),
        replication_port: s.optional(faults, "replication_port", port),
        period: s.optional(faults, "period", time),
        detect_multiplier: s.optional(faults, "detect_multiplier", multiplier),
        attach: s.optional(faults, "attach", |value| {
            one_of(value, &Attach::ALL.map(|attach| (attach.as_str(), attach)))
        }),
    };
    s.end(faults);
    management
}

fn pair(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Pair {
    const KINDS: &str = "write require = [\"management_silent\", \"business_silent\", \"reference\"], or with \"fence\"";
    let pair = Pair {
        at: s.at(),
        require: s.optional(faults, "require", |value| {
            list(value, "evidence", KINDS, |item| {
                one_of(item, &Evidence::ALL.map(|kind| (kind.as_str(), kind)))
            })
        }),
        reference: s.optional(faults, "reference", references),
        fence_command: s.optional(faults, "fence_command", words),
        fence_timeout: s.optional(faults, "fence_timeout", time),
        fence_delay: s.optional(faults, "fence_delay", time),
    };
    s.end(faults);
    pair
}

fn member(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Member {
    s.demand(
        faults,
        "management",
        "write management = { address = \"198.51.100.1\", interface = \"mgmt0\" }",
    );
    let highest = u16::try_from(heartbeat_wire::maps::MAX_SLOTS).unwrap_or(u16::MAX);
    let slot = |value: &DeValue<'_>| whole(value, "slot", 1..=highest);
    let member = Member {
        at: s.at(),
        slot: s.required(faults, "slot", "give the member its rank: slot = 1", slot),
        name: s.required(
            faults,
            "name",
            "give the member a name: name = \"n1\"",
            text,
        ),
        management: (s.table(faults, "management", "management of [[member]]"))
            .map(|s| connection(s, faults)),
        business: (s.table(faults, "business", "business of [[member]]"))
            .map(|s| connection(s, faults)),
        witness: s
            .optional(faults, "witness", flag)
            .is_some_and(Spanned::into_inner),
    };
    s.end(faults);
    member
}

fn connection(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Connection {
    let connection = Connection {
        address: s.required(
            faults,
            "address",
            "name the node's own address there: address = \"198.51.100.1\"",
            address,
        ),
        interface: s.required(
            faults,
            "interface",
            "name the network interface: interface = \"mgmt0\"",
            interface,
        ),
    };
    s.end(faults);
    connection
}

fn virtual_address(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> VirtualAddress {
    let virtual_address = VirtualAddress {
        at: s.at(),
        place_given: s.has("network") || s.has("interface"),
        address: s.required(
            faults,
            "address",
            "name the address with its prefix length: address = \"203.0.113.100/24\"",
            address_and_prefix,
        ),
        network: s.optional(faults, "network", network),
        interface: s.optional(faults, "interface", interface),
        follows: s.optional(faults, "follows", follows),
    };
    s.end(faults);
    virtual_address
}

fn recorder(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Recorder {
    let recorder = Recorder {
        file: s.required(
            faults,
            "file",
            "name the file: file = \"record\", in the folder of the node's state, or with its whole path",
            text,
        ),
        max_size: s.optional(faults, "max_size", bytes),
    };
    s.end(faults);
    recorder
}
