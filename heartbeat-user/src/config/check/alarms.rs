//! `[alarms]`: each sink is reached in one way.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::names::{name, twice};
use super::program::trusted;
use super::server::{self, server};
use super::services::span;
use crate::config::alarms::{Alarms, Severity, Sink, Url, Way};
use crate::config::fault::Fault;
use crate::config::file::Value;
use crate::config::file::alarms::{Alarms as Written, Sink as WrittenSink};
use crate::config::value::Url as WrittenUrl;

/// Each has a task, and a queue on the disk.
const MOST_SINKS: usize = 16;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const HOLDS: RangeInclusive<Duration> = SECOND..=HOUR;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const RESENDS: RangeInclusive<Duration> = SECOND..=HOUR;
/// A fifth of what Alertmanager waits before it takes an alert for resolved that nobody repeats.
const DEFAULT_RESEND: Duration = Duration::from_secs(60);
/// Where Alertmanager takes alerts, below its own address.
const ALERTS: &str = "/api/v2/alerts";

/// `None` only together with a fault.
pub(super) fn check(written: Option<&Written>, faults: &mut Vec<Fault>) -> Option<Alarms> {
    let Some(written) = written else {
        return Some(Alarms::NONE);
    };
    let names = written.sinks.iter().filter_map(|it| it.name.as_ref());
    twice(names, "sink", faults);
    if let Some(sink) = written.sinks.get(MOST_SINKS) {
        let cause = format!("more than {MOST_SINKS} sinks");
        let cure = "let one of them pass alarms on to the others";
        faults.push(Fault::new(sink.at.clone(), cause, cure));
    }
    let sinks: Vec<_> = (written.sinks.iter()).map(|it| sink(it, faults)).collect();
    Some(Alarms {
        hold: span(&written.hold, Alarms::NONE.hold, HOLDS, faults)?,
        sinks: sinks.into_iter().collect::<Option<_>>()?,
    })
}

fn sink(written: &WrittenSink, faults: &mut Vec<Fault>) -> Option<Sink> {
    let name = name(&written.name, "sink", faults);
    let way = way(written, faults);
    let timeout = span(&written.timeout, DEFAULT_TIMEOUT, TIMEOUTS, faults);
    misplaced(written, faults);
    Some(Sink {
        name: name?,
        way: way?,
        least: (written.least.as_ref()).map_or(Severity::Warning, |it| *it.get_ref()),
        timeout: timeout?,
    })
}

/// The one way in which it is reached.
fn way(written: &WrittenSink, faults: &mut Vec<Fault>) -> Option<Way> {
    match &written.given[..] {
        [] => {
            let cause = "nothing says how this sink is reached";
            let cure = "add one of webhook, alertmanager, command, syslog, journal";
            faults.push(Fault::new(written.at.clone(), cause, cure));
        }
        [_] => {}
        [(first, at), (second, also), ..] => {
            let cause = format!("`{second}` and `{first}`: a sink is reached in one way");
            let cure = "make two sinks of it: each hears of every alarm";
            faults.push(Fault::new(also.clone(), cause, cure).also(at.clone(), "first here"));
        }
    }
    if let Some(page) = &written.webhook {
        return url(page.get_ref(), written, faults).map(Way::Webhook);
    }
    if let Some(page) = &written.alertmanager {
        let resend = span(&written.resend, DEFAULT_RESEND, RESENDS, faults);
        let url = url(page.get_ref(), written, faults)?;
        let path = url.path.trim_end_matches('/').to_owned() + ALERTS;
        return Some(Way::Alertmanager {
            url: Url { path, ..url },
            resend: resend?,
        });
    }
    if let Some(words) = &written.command {
        return trusted(words, &written.user, faults).map(Way::Command);
    }
    if let Some(facility) = &written.syslog {
        return Some(Way::Syslog(*facility.get_ref()));
    }
    let journal = written.journal.as_ref()?;
    if !*journal.get_ref() {
        let cause = "a sink that is reached in no way";
        faults.push(Fault::new(
            journal.span(),
            cause,
            "write journal = true, or take the sink out",
        ));
    }
    Some(Way::Journal)
}

fn url(page: &WrittenUrl, written: &WrittenSink, faults: &mut Vec<Fault>) -> Option<Url> {
    let written = server::Written {
        url: page,
        ca_file: &written.ca_file,
        server_name: &written.server_name,
    };
    let server = server(&written, faults)?;
    Some(Url {
        address: server.address,
        host: server.host,
        path: server.path,
        tls: server.tls,
    })
}

/// Keys that say nothing of a sink that is reached in another way.
fn misplaced(written: &WrittenSink, faults: &mut Vec<Fault>) {
    let of_pages = written.webhook.is_some() || written.alertmanager.is_some();
    let mut refuse = |at: Option<std::ops::Range<usize>>, key: &str, belongs: bool, to: &str| {
        if let (Some(at), false) = (at, belongs) {
            let cause = format!("`{key}` belongs to {to}, and there is none");
            faults.push(Fault::new(at, cause, "take it out"));
        }
    };
    let place = |key: &Value<String>| key.as_ref().map(toml::Spanned::span);
    refuse(
        place(&written.user),
        "user",
        written.command.is_some(),
        "`command`",
    );
    refuse(place(&written.ca_file), "ca_file", of_pages, "a web server");
    refuse(
        place(&written.server_name),
        "server_name",
        of_pages,
        "a web server",
    );
    let resend = written.resend.as_ref().map(toml::Spanned::span);
    refuse(
        resend,
        "resend",
        written.alertmanager.is_some(),
        "`alertmanager`",
    );
}
