//! `[[service]]` and `[handovers]`: each service is looked at in one way, at a pace that makes sense.

mod how;
mod page;
mod recovery;
mod unit;

use std::ops::RangeInclusive;
use std::time::Duration;

use super::names::{name, twice};
use crate::config::Handovers;
use crate::config::duration;
use crate::config::fault::Fault;
use crate::config::file::services::{Handovers as WrittenHandovers, Service as Written};
use crate::config::file::{File, Value};
use crate::config::hooks::Hooks;
use crate::config::service::{On, Pace, Service};
use how::how;
use recovery::recovery;
use toml::Spanned;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(3_600);
const TIMEOUTS: RangeInclusive<Duration> = MS..=Duration::from_secs(600);
const SPANS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

/// What a check may do where the file says nothing: at most two seconds until a dead service is known to be.
const DEFAULT_PACE: Pace = Pace {
    interval: SECOND,
    timeout: SECOND,
    rise: 2,
    fall: 2,
    start_grace: Duration::from_secs(30),
};

/// Every service in the file's order; `None` only together with a fault.
pub(super) fn check(file: &File, faults: &mut Vec<Fault>) -> Option<Vec<Service>> {
    let names = file.services.iter().filter_map(|it| it.name.as_ref());
    twice(names, "service", faults);
    let written = file.services.iter();
    let services: Vec<_> = written.map(|it| service(it, file, faults)).collect();
    services.into_iter().collect()
}

/// How often mastership may move for a fault's sake.
pub(super) fn handovers(
    written: Option<&WrittenHandovers>,
    faults: &mut Vec<Fault>,
) -> Option<Handovers> {
    let default = Handovers::DEFAULT;
    let Some(written) = written else {
        return Some(default);
    };
    let window = SECOND..=*SPANS.end();
    Some(Handovers {
        most: written
            .most
            .as_ref()
            .map_or(default.most, |it| (*it.get_ref()).into()),
        window: span(&written.window, default.window, window, faults)?,
    })
}

/// A hook that makes a node fit to serve must not be overtaken by the checks that wait for it.
pub(super) fn wait_for_hooks(
    written: &[Written],
    services: &[Service],
    hooks: Option<&Hooks>,
    faults: &mut Vec<Fault>,
) {
    let Some(hooks) = hooks else { return };
    let overtaken = |service: &Service| {
        service.check.depends_on_role() && service.pace.start_grace < hooks.timeout
    };
    for (written, service) in written.iter().zip(services) {
        if !overtaken(service) {
            continue;
        }
        let at = (written.start_grace.as_ref()).map_or(written.at.clone(), Spanned::span);
        let cause = format!(
            "{} must look different after a role change, and fails {} after it: before a hook has to have ended",
            service.name,
            duration::format(service.pace.start_grace)
        );
        let least = duration::format(hooks.timeout);
        let cure =
            format!("write start_grace = \"{least}\" or more, or a shorter timeout in [hooks]");
        faults.push(Fault::new(at, cause, cure));
    }
}

fn service(written: &Written, file: &File, faults: &mut Vec<Fault>) -> Option<Service> {
    let name = name(&written.name, "service", faults);
    let check = how(written, file, faults);
    let pace = pace(written, faults);
    let on_master = recovery(written.on_master.as_ref(), faults);
    let on_slave = recovery(written.on_slave.as_ref(), faults);
    Some(Service {
        name: name?,
        on: written.on.as_ref().map_or(On::Every, |on| *on.get_ref()),
        check: check?,
        pace: pace?,
        on_master: on_master?,
        on_slave: on_slave?,
    })
}

fn pace(written: &Written, faults: &mut Vec<Fault>) -> Option<Pace> {
    let default = DEFAULT_PACE;
    let interval = span(&written.interval, default.interval, INTERVALS, faults);
    // Who asks more often than the default lets a check hang wants to know sooner.
    let usual = interval.map_or(default.timeout, |it| it.max(MS * 100).min(default.timeout));
    let timeout = span(&written.timeout, usual, TIMEOUTS, faults);
    let start_grace = span(&written.start_grace, default.start_grace, SPANS, faults);
    let times = |value: &Value<u16>, default| value.as_ref().map_or(default, |it| *it.get_ref());
    Some(Pace {
        interval: interval?,
        timeout: timeout?,
        rise: times(&written.rise, default.rise),
        fall: times(&written.fall, default.fall),
        start_grace: start_grace?,
    })
}

/// A duration within a range, or the default.
pub(super) fn span(
    written: &Value<Duration>,
    default: Duration,
    range: RangeInclusive<Duration>,
    faults: &mut Vec<Fault>,
) -> Option<Duration> {
    let Some(value) = written else {
        return Some(default);
    };
    if range.contains(value.get_ref()) {
        return Some(*value.get_ref());
    }
    let (least, most) = (
        duration::format(*range.start()),
        duration::format(*range.end()),
    );
    let cause = format!(
        "{} is out of range here",
        duration::format(*value.get_ref())
    );
    faults.push(Fault::new(
        value.span(),
        cause,
        format!("write {least} to {most}"),
    ));
    None
}
