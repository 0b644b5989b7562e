//! `[alarms]` as written.

use std::ops::Range;
use std::time::Duration;

use super::Value;
use crate::config::alarms::{Facility, Severity};
use crate::config::fault::Fault;
use crate::config::section::Section;
use crate::config::value::{Url, flag, one_of, text, time, url, words};

const WAYS: [&str; 5] = ["webhook", "alertmanager", "command", "syslog", "journal"];

/// `[alarms]`
pub(in crate::config) struct Alarms {
    pub(in crate::config) hold: Value<Duration>,
    pub(in crate::config) sinks: Vec<Sink>,
}

/// `[[alarms.sink]]`
pub(in crate::config) struct Sink {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) name: Value<String>,
    /// The ways that are there, each with its place; one has to be.
    pub(in crate::config) given: Vec<(&'static str, Range<usize>)>,
    pub(in crate::config) webhook: Value<Url>,
    pub(in crate::config) alertmanager: Value<Url>,
    pub(in crate::config) command: Value<Vec<String>>,
    pub(in crate::config) syslog: Value<Facility>,
    pub(in crate::config) journal: Value<bool>,
    pub(in crate::config) ca_file: Value<String>,
    pub(in crate::config) server_name: Value<String>,
    pub(in crate::config) user: Value<String>,
    pub(in crate::config) least: Value<Severity>,
    pub(in crate::config) timeout: Value<Duration>,
    pub(in crate::config) resend: Value<Duration>,
}

/// Reads `[alarms]`.
pub(super) fn alarms(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Alarms {
    let alarms = Alarms {
        hold: s.optional(faults, "hold", time),
        sinks: (s.tables(faults, "sink", "[[alarms.sink]]").into_iter())
            .map(|s| sink(s, faults))
            .collect(),
    };
    s.end(faults);
    alarms
}

fn sink(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Sink {
    let given = WAYS.iter().filter_map(|key| Some((*key, s.place(key)?)));
    let sink = Sink {
        at: s.at(),
        given: given.collect(),
        name: s.required(
            faults,
            "name",
            "give the sink a name: name = \"pager\"",
            text,
        ),
        webhook: s.optional(faults, "webhook", url),
        alertmanager: s.optional(faults, "alertmanager", url),
        command: s.optional(faults, "command", words),
        syslog: s.optional(faults, "syslog", |value| {
            one_of(value, &Facility::ALL.map(|it| (it.as_str(), it)))
        }),
        journal: s.optional(faults, "journal", flag),
        ca_file: s.optional(faults, "ca_file", text),
        server_name: s.optional(faults, "server_name", text),
        user: s.optional(faults, "user", text),
        least: s.optional(faults, "least", |value| {
            one_of(value, &Severity::ALL.map(|it| (it.as_str(), it)))
        }),
        timeout: s.optional(faults, "timeout", time),
        resend: s.optional(faults, "resend", time),
    };
    s.end(faults);
    sink
}
