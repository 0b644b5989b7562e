//! `[metrics]`: a place that nothing else has, and a file that is found by who reads it.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;

use super::path::absolute;
use super::services::span;
use crate::config::fault::Fault;
use crate::config::file::Member;
use crate::config::file::http::Http;
use crate::config::file::metrics::Metrics as Written;
use crate::config::metrics::{Metrics, Textfile};
use crate::config::service::Network;

/// How often a file may be written: a look at the daemon each time.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
/// As often as Prometheus usually looks.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);
/// What node_exporter reads of the files in its folder.
const EXTENSION: &str = "prom";

/// `None` only together with a fault; `Some(None)`: there are no metrics.
pub(super) fn check(
    written: Option<&Written>,
    page: Option<&Http>,
    members: &[Member],
    faults: &mut Vec<Fault>,
) -> Option<Option<Metrics>> {
    let Some(written) = written else {
        return Some(None);
    };
    let before = faults.len();
    if written.listen.is_none() && written.textfile.is_none() {
        let cause = "nothing says how the metrics are to be had";
        let cure = "add `listen`, `textfile` or both, or take [metrics] out";
        faults.push(Fault::new(written.at.clone(), cause, cure));
    }
    if let Some(listen) = &written.listen {
        place(listen, page, members, faults);
    }
    let interval = span(&written.interval, DEFAULT_INTERVAL, INTERVALS, faults);
    if let (Some(interval), None) = (&written.interval, &written.textfile) {
        let cause = "`interval` says how often the file is written, and there is none";
        let cure = "name `textfile`, or take `interval` out: Prometheus says how often it scrapes";
        faults.push(Fault::new(interval.span(), cause, cure));
    }
    let textfile = written.textfile.as_ref().and_then(|file| {
        let path = absolute(file, faults)?;
        if path.extension().is_none_or(|it| it != EXTENSION) {
            let cause = format!("\"{}\" does not end in .{EXTENSION}", path.display());
            let cure = "node_exporter reads no other: \"/var/lib/node_exporter/heartbeatd.prom\"";
            faults.push(Fault::new(file.span(), cause, cure));
        }
        Some(Textfile {
            path,
            interval: interval?,
        })
    });
    (faults.len() == before).then(|| {
        Some(Metrics {
            listen: written.listen.as_ref().map(|it| *it.get_ref()),
            textfile,
        })
    })
}

/// A network that there is, and no port of the status page's.
fn place(
    listen: &Spanned<(Network, u16)>,
    page: Option<&Http>,
    members: &[Member],
    faults: &mut Vec<Fault>,
) {
    let (network, _) = listen.get_ref();
    if *network == Network::Business && members.iter().all(|member| member.business.is_none()) {
        let cause = "no member is on a business network";
        let cure = "give the members `business`, or write \"management:9405\"";
        faults.push(Fault::new(listen.span(), cause, cure));
    }
    let of_page = page.and_then(|page| page.listen.as_ref());
    if let Some(of_page) = of_page.filter(|it| it.get_ref() == listen.get_ref()) {
        let cause = "the status page is served there";
        let cure = "give one of them another port";
        faults.push(
            Fault::new(listen.span(), cause, cure).also(of_page.span(), "the page's is here"),
        );
    }
}
