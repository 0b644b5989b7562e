//! `[[service]]` and `[handovers]` as written.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use toml::de::DeValue;

use super::Value;
use crate::config::fault::Fault;
use crate::config::section::Section;
use crate::config::service::{Network, On};
use crate::config::value::{one_of, socket, text, time, url, whole, words};

/// `[[service]]`
pub(in crate::config) struct Service {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) name: Value<String>,
    pub(in crate::config) on: Value<On>,
    /// The keys that say how it is looked at, each with its place.
    pub(in crate::config) checks: Vec<(&'static str, Range<usize>)>,
    pub(in crate::config) process: Option<Process>,
    pub(in crate::config) tcp: Value<SocketAddr>,
    pub(in crate::config) http: Option<Http>,
    pub(in crate::config) command: Value<Vec<String>>,
    pub(in crate::config) file: Option<WrittenFile>,
    pub(in crate::config) link: Value<Network>,
    pub(in crate::config) user: Value<String>,
    pub(in crate::config) interval: Value<Duration>,
    pub(in crate::config) timeout: Value<Duration>,
    pub(in crate::config) rise: Value<u16>,
    pub(in crate::config) fall: Value<u16>,
    pub(in crate::config) start_grace: Value<Duration>,
    pub(in crate::config) on_master: Option<Recovery>,
    pub(in crate::config) on_slave: Option<Recovery>,
}

/// `process = { pid_file }` or `{ name }`
pub(in crate::config) struct Process {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) pid_file: Value<String>,
    pub(in crate::config) name: Value<String>,
}

/// `http = { url, status, contains, pointer, equals }`
pub(in crate::config) struct Http {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) url: Value<(String, SocketAddr, String)>,
    pub(in crate::config) status: Value<u16>,
    pub(in crate::config) contains: Value<String>,
    pub(in crate::config) pointer: Value<String>,
    pub(in crate::config) equals: Value<String>,
}

/// `file = { path, max_age }`
pub(in crate::config) struct WrittenFile {
    pub(in crate::config) path: Value<String>,
    pub(in crate::config) max_age: Value<Duration>,
}

/// `[service.recovery.master]` and `[service.recovery.slave]`
pub(in crate::config) struct Recovery {
    pub(in crate::config) command: Value<Vec<String>>,
    pub(in crate::config) user: Value<String>,
    pub(in crate::config) timeout: Value<Duration>,
    pub(in crate::config) attempts: Value<u16>,
    pub(in crate::config) backoff: Value<Duration>,
    pub(in crate::config) within: Value<Duration>,
}

/// `[handovers]`
pub(in crate::config) struct Handovers {
    pub(in crate::config) most: Value<u16>,
    pub(in crate::config) window: Value<Duration>,
}

const CHECKS: [&str; 6] = ["process", "tcp", "http", "command", "file", "link"];

/// Reads one `[[service]]`.
pub(super) fn service(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Service {
    let networks = [
        ("business", Network::Business),
        ("management", Network::Management),
    ];
    let times = |value: &DeValue<'_>| whole(value, "number of checks", 1..=255);
    let checks = CHECKS.iter().filter_map(|key| Some((*key, s.place(key)?)));
    let checks = checks.collect();
    let (on_master, on_slave) = match s.table(faults, "recovery", "[service.recovery]") {
        Some(recovery) => recoveries(recovery, faults),
        None => (None, None),
    };
    let service = Service {
        at: s.at(),
        name: s.required(
            faults,
            "name",
            "give the service a name: name = \"nginx\"",
            text,
        ),
        on: s.optional(faults, "on", |value| {
            one_of(value, &On::ALL.map(|on| (on.as_str(), on)))
        }),
        checks,
        process: (s.table(faults, "process", "process of [[service]]")).map(|s| process(s, faults)),
        tcp: s.optional(faults, "tcp", socket),
        http: (s.table(faults, "http", "http of [[service]]")).map(|s| http(s, faults)),
        command: s.optional(faults, "command", words),
        file: (s.table(faults, "file", "file of [[service]]")).map(|s| file(s, faults)),
        link: s.optional(faults, "link", |value| one_of(value, &networks)),
        user: s.optional(faults, "user", text),
        interval: s.optional(faults, "interval", time),
        timeout: s.optional(faults, "timeout", time),
        rise: s.optional(faults, "rise", times),
        fall: s.optional(faults, "fall", times),
        start_grace: s.optional(faults, "start_grace", time),
        on_master,
        on_slave,
    };
    s.end(faults);
    service
}

fn process(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Process {
    let process = Process {
        at: s.at(),
        pid_file: s.optional(faults, "pid_file", text),
        name: s.optional(faults, "name", text),
    };
    s.end(faults);
    process
}

fn http(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Http {
    let http = Http {
        at: s.at(),
        url: s.required(
            faults,
            "url",
            "name the page: url = \"http://127.0.0.1:9870/jmx\"",
            url,
        ),
        status: s.optional(faults, "status", |value| whole(value, "status", 100..=599)),
        contains: s.optional(faults, "contains", text),
        pointer: s.optional(faults, "pointer", text),
        equals: s.optional(faults, "equals", text),
    };
    s.end(faults);
    http
}

fn file(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> WrittenFile {
    let file = WrittenFile {
        path: s.required(
            faults,
            "path",
            "name the file: path = \"/run/app/alive\"",
            text,
        ),
        max_age: s.required(
            faults,
            "max_age",
            "say how old it may be: max_age = \"10s\"",
            time,
        ),
    };
    s.end(faults);
    file
}

fn recoveries(
    mut s: Section<'_, '_>,
    faults: &mut Vec<Fault>,
) -> (Option<Recovery>, Option<Recovery>) {
    let mut one = |key, name| {
        let section = s.table(faults, key, name)?;
        Some(recovery(section, faults))
    };
    let both = (
        one("master", "[service.recovery.master]"),
        one("slave", "[service.recovery.slave]"),
    );
    s.end(faults);
    both
}

fn recovery(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Recovery {
    let recovery = Recovery {
        command: s.required(
            faults,
            "command",
            "name what brings the service back: command = [\"/usr/bin/systemctl\", \"restart\", \"nginx\"]",
            words,
        ),
        user: s.optional(faults, "user", text),
        timeout: s.optional(faults, "timeout", time),
        attempts: s.optional(faults, "attempts", |value| {
            whole(value, "number of attempts", 1..=100)
        }),
        backoff: s.optional(faults, "backoff", time),
        within: s.optional(faults, "within", time),
    };
    s.end(faults);
    recovery
}

/// Reads `[handovers]`.
pub(super) fn handovers(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Handovers {
    let handovers = Handovers {
        most: s.optional(faults, "most", |value| {
            whole(value, "number of handovers", 1..=100)
        }),
        window: s.optional(faults, "window", time),
    };
    s.end(faults);
    handovers
}
