//! `[[service]]` and `[handovers]`: each service is looked at in one way, at a pace that makes sense.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use heartbeat_core::recovery::Plan;
use toml::Spanned;

use super::is_name;
use super::program::program;
use crate::config::duration;
use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::file::services::{
    Handovers as WrittenHandovers, Http as WrittenHttp, Process as WrittenProcess,
    Recovery as WrittenRecovery, Service as Written,
};
use crate::config::service::{Check, Handovers, Http, On, Pace, Process, Recovery, Service};

const MAX_NAME_LEN: usize = 32;
/// Longest command name of a process: TASK_COMM_LEN less its end.
const MAX_COMM_LEN: usize = 15;

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
pub(super) fn check(written: &[Written], faults: &mut Vec<Fault>) -> Option<Vec<Service>> {
    twice(written, faults);
    let services: Vec<_> = written.iter().map(|it| service(it, faults)).collect();
    services.into_iter().collect()
}

/// How often mastership may move for a service's sake.
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
            .map_or(default.most, |it| *it.get_ref()),
        window: span(&written.window, default.window, window, faults)?,
    })
}

fn twice(written: &[Written], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for name in written.iter().filter_map(|it| it.name.as_ref()) {
        if let Some(first) = seen.insert(name.get_ref(), name.span()) {
            let cause = format!("two services are called {}", name.get_ref());
            let fault = Fault::new(name.span(), cause, "give each its own name");
            faults.push(fault.also(first, "first here"));
        }
    }
}

fn service(written: &Written, faults: &mut Vec<Fault>) -> Option<Service> {
    let name = name(&written.name, faults);
    let check = how(written, faults);
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

fn name(written: &Value<String>, faults: &mut Vec<Fault>) -> Option<String> {
    let name = written.as_ref()?;
    if is_name(name.get_ref(), MAX_NAME_LEN, &['-', '_', '.']) {
        return Some(name.get_ref().clone());
    }
    let cure = format!(
        "use 1 to {MAX_NAME_LEN} letters (a-z, A-Z), digits, -, _ and ., beginning with a letter or digit"
    );
    faults.push(Fault::new(
        name.span(),
        "this cannot be a service's name",
        cure,
    ));
    None
}

/// The one way in which it is looked at.
fn how(written: &Written, faults: &mut Vec<Fault>) -> Option<Check> {
    match &written.checks[..] {
        [] => {
            let cause = "nothing says how this service is looked at";
            let cure = "add one of process, tcp, http, command, file, link";
            faults.push(Fault::new(written.at.clone(), cause, cure));
        }
        [_] => {}
        [(first, at), (second, also), ..] => {
            let cause = format!("`{second}` and `{first}`: a service is looked at in one way");
            let cure = "make two services of it: both must work";
            faults.push(Fault::new(also.clone(), cause, cure).also(at.clone(), "first here"));
        }
    }
    if let (Some(user), None) = (&written.user, &written.command) {
        let cause = "`user` says who `command` is run as, and there is none";
        faults.push(Fault::new(user.span(), cause, "take it out"));
    }
    if let Some(command) = &written.command {
        return program(command, &written.user, faults).map(Check::Command);
    }
    if let Some(process) = &written.process {
        return which_process(process, faults).map(Check::Process);
    }
    if let Some(http) = &written.http {
        return page(http, faults).map(Check::Http);
    }
    if let Some(file) = &written.file {
        let (path, max_age) = (file.path.as_ref()?, file.max_age.as_ref()?);
        return Some(Check::File {
            path: absolute(path, faults)?,
            max_age: *max_age.get_ref(),
        });
    }
    let tcp = written.tcp.as_ref().map(|it| Check::Tcp(*it.get_ref()));
    tcp.or_else(|| written.link.as_ref().map(|it| Check::Link(*it.get_ref())))
}

fn which_process(written: &WrittenProcess, faults: &mut Vec<Fault>) -> Option<Process> {
    match (&written.pid_file, &written.name) {
        (Some(file), None) => absolute(file, faults).map(Process::PidFile),
        (None, Some(name)) if (1..=MAX_COMM_LEN).contains(&name.get_ref().len()) => {
            Some(Process::Name(name.get_ref().clone()))
        }
        (None, Some(name)) => {
            let cause = "a process's command name has 1 to 15 bytes";
            let cure = "write it as `ps -o comm` shows it";
            faults.push(Fault::new(name.span(), cause, cure));
            None
        }
        (Some(_), Some(_)) | (None, None) => {
            let cause = "a process is known by its pid file or by its command name";
            let cure = "write process = { pid_file = \"/run/nginx.pid\" } or process = { name = \"nginx\" }";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            None
        }
    }
}

fn page(written: &WrittenHttp, faults: &mut Vec<Fault>) -> Option<Http> {
    let equals = match (&written.pointer, &written.equals) {
        (Some(pointer), Some(equals)) => {
            if !pointer.get_ref().starts_with('/') {
                let cause = "a JSON pointer begins with /";
                faults.push(Fault::new(
                    pointer.span(),
                    cause,
                    "write \"/beans/0/State\"",
                ));
            }
            Some((pointer.get_ref().clone(), equals.get_ref().clone()))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let cause = "`pointer` and `equals` belong together";
            let cure = "write both: pointer = \"/beans/0/State\", equals = \"active\"";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            None
        }
    };
    let (host, address, path) = written.url.as_ref()?.get_ref().clone();
    Some(Http {
        address,
        host,
        path,
        status: written.status.as_ref().map(|it| *it.get_ref()),
        contains: written.contains.as_ref().map(|it| it.get_ref().clone()),
        equals,
    })
}

fn absolute(path: &Spanned<String>, faults: &mut Vec<Fault>) -> Option<PathBuf> {
    let there = PathBuf::from(path.get_ref());
    if there.is_absolute() {
        return Some(there);
    }
    let cause = format!("\"{}\" does not begin at the root", path.get_ref());
    faults.push(Fault::new(path.span(), cause, "write the whole path"));
    None
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

/// `Some(None)`: nothing is tried.
fn recovery(
    written: Option<&WrittenRecovery>,
    faults: &mut Vec<Fault>,
) -> Option<Option<Recovery>> {
    let Some(written) = written else {
        return Some(None);
    };
    let run = written
        .command
        .as_ref()
        .and_then(|command| program(command, &written.user, faults));
    let timeout = span(&written.timeout, SECOND * 10, TIMEOUTS, faults);
    let backoff = span(&written.backoff, SECOND, SPANS, faults);
    let within = span(&written.within, SECOND * 30, MS..=*SPANS.end(), faults);
    Some(Some(Recovery {
        run: run?,
        timeout: timeout?,
        plan: Plan {
            attempts: u32::from(written.attempts.as_ref().map_or(3, |it| *it.get_ref())),
            backoff: backoff?,
            within: within?,
        },
    }))
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
