//! `[[service]]` and `[handovers]` as written.

mod looks;

use std::ops::Range;
use std::time::Duration;

use toml::de::DeValue;

use looks::looks;
pub(in crate::config) use looks::{Http, Looks, Process, Unit};

use super::Value;
use crate::config::fault::Fault;
use crate::config::section::Section;
use crate::config::service::On;
use crate::config::value::{one_of, text, time, whole, words};

/// `[[service]]`
pub(in crate::config) struct Service {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) name: Value<String>,
    pub(in crate::config) on: Value<On>,
    pub(in crate::config) looks: Looks,
    pub(in crate::config) user: Value<String>,
    pub(in crate::config) interval: Value<Duration>,
    pub(in crate::config) timeout: Value<Duration>,
    pub(in crate::config) rise: Value<u16>,
    pub(in crate::config) fall: Value<u16>,
    pub(in crate::config) start_grace: Value<Duration>,
    pub(in crate::config) on_master: Option<Recovery>,
    pub(in crate::config) on_slave: Option<Recovery>,
}

/// `[service.recovery.master]` and `[service.recovery.slave]`
pub(in crate::config) struct Recovery {
    pub(in crate::config) at: Range<usize>,
    pub(in crate::config) command: Value<Vec<String>>,
    pub(in crate::config) unit: Value<String>,
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

/// Reads one `[[service]]`.
pub(super) fn service(mut s: Section<'_, '_>, faults: &mut Vec<Fault>) -> Service {
    let times = |value: &DeValue<'_>| whole(value, "number of checks", 1..=255);
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
        looks: looks(&mut s, faults),
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
        at: s.at(),
        command: s.optional(faults, "command", words),
        unit: s.optional(faults, "unit", text),
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
