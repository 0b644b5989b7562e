//! The ways in which a service is looked at, as written.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::section::Section;
use crate::config::service::{Network, PerRole, WantedState};
use crate::config::value::{
    Url, network, one_of, per_role, references, socket, text, time, url, whole, words,
};

const KEYS: [&str; 8] = [
    "process",
    "unit",
    "tcp",
    "http",
    "command",
    "file",
    "link",
    "reference",
];

/// Every way that is written; one has to be.
pub(in crate::config) struct Looks {
    /// The keys that are there, each with its place.
    pub(in crate::config) given: Vec<(&'static str, Range<usize>)>,
    pub(in crate::config) process: Option<Process>,
    pub(in crate::config) unit: Option<Unit>,
    pub(in crate::config) tcp: Value<SocketAddr>,
    pub(in crate::config) http: Option<Http>,
    pub(in crate::config) command: Value<Vec<String>>,
    pub(in crate::config) file: Option<WrittenFile>,
    pub(in crate::config) link: Value<Network>,
    pub(in crate::config) reference: Value<Vec<Spanned<IpAddr>>>,
}

/// `process = { pid_file }`, `{ name }` or `{ unit }`
pub(in crate::config) struct Process {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) pid_file: Value<String>,
    pub(in crate::config) name: Value<String>,
    pub(in crate::config) unit: Value<String>,
}

/// `unit = { name, state }`
pub(in crate::config) struct Unit {
    pub(in crate::config) name: Value<String>,
    pub(in crate::config) state: Value<PerRole<WantedState>>,
}

/// `http = { url, ca_file, server_name, status, contains, pointer, equals }`
pub(in crate::config) struct Http {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) url: Value<Url>,
    pub(in crate::config) ca_file: Value<String>,
    pub(in crate::config) server_name: Value<String>,
    pub(in crate::config) status: Value<PerRole<u16>>,
    pub(in crate::config) contains: Value<PerRole<String>>,
    pub(in crate::config) pointer: Value<String>,
    pub(in crate::config) equals: Value<PerRole<String>>,
}

/// `file = { path, max_age }`
pub(in crate::config) struct WrittenFile {
    pub(in crate::config) path: Value<String>,
    pub(in crate::config) max_age: Value<Duration>,
}

/// Reads those of one `[[service]]`.
pub(super) fn looks(s: &mut Section<'_, '_>, faults: &mut Vec<Fault>) -> Looks {
    let given = KEYS.iter().filter_map(|key| Some((*key, s.place(key)?)));
    Looks {
        given: given.collect(),
        process: (s.table(faults, "process", "process of [[service]]")).map(|s| process(s, faults)),
        unit: (s.table(faults, "unit", "unit of [[service]]")).map(|s| unit(s, faults)),
        tcp: s.optional(faults, "tcp", socket),
        http: (s.table(faults, "http", "http of [[service]]")).map(|s| http(s, faults)),
        command: s.optional(faults, "command", words),
        file: (s.table(faults, "file", "file of [[service]]")).map(|s| file(s, faults)),
        link: s.optional(faults, "link", network),
        reference: s.optional(faults, "reference", references),
    }
}

fn process(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Process {
    let process = Process {
        at: s.at(),
        pid_file: s.optional(faults, "pid_file", text),
        name: s.optional(faults, "name", text),
        unit: s.optional(faults, "unit", text),
    };
    s.end(faults);
    process
}

fn unit(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Unit {
    let state = |value: &DeValue<'_>| one_of(value, &WantedState::ALL.map(|it| (it.as_str(), it)));
    let unit = Unit {
        name: s.required(
            faults,
            "name",
            "name the unit: name = \"nginx.service\"",
            text,
        ),
        state: s.optional(faults, "state", |value| per_role(value, state)),
    };
    s.end(faults);
    unit
}

fn http(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Http {
    let status = |value: &DeValue<'_>| whole(value, "status", 100..=599);
    let http = Http {
        at: s.at(),
        url: s.required(
            faults,
            "url",
            "name the page: url = \"http://127.0.0.1:9870/jmx\"",
            url,
        ),
        ca_file: s.optional(faults, "ca_file", text),
        server_name: s.optional(faults, "server_name", text),
        status: s.optional(faults, "status", |value| per_role(value, status)),
        contains: s.optional(faults, "contains", |value| per_role(value, text)),
        pointer: s.optional(faults, "pointer", text),
        equals: s.optional(faults, "equals", |value| per_role(value, text)),
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
