//! What is wrong, and who was told.

use crate::control::AlarmName;
use crate::metrics::metric::{Metric, counter, gauge};

pub(super) static METRICS: &[Metric] = &[
    gauge(
        "alarms",
        &["alarm", "severity"],
        "Alarms in force on this node, by name.",
        |m, s| {
            AlarmName::ALL.iter().try_for_each(|name| {
                let all = m.status.alarms.iter();
                let count = all.filter(|alarm| alarm.name == *name).count();
                let labels: [&dyn std::fmt::Display; 2] =
                    [&name.as_str(), &name.severity().as_str()];
                s.number(&labels, count as u64)
            })
        },
    ),
    counter(
        "sink_delivered",
        &["sink", "kind"],
        "Notices that the sink took, since the daemon's start.",
        |m, s| {
            let mut all = m.sinks.iter();
            all.try_for_each(|it| s.count(&[&it.name, &it.kind], it.delivered))
        },
    ),
    gauge(
        "sink_waiting",
        &["sink", "kind"],
        "Notices that wait for the sink.",
        |m, s| {
            let mut all = m.sinks.iter();
            all.try_for_each(|it| s.number(&[&it.name, &it.kind], it.waiting as u64))
        },
    ),
    gauge(
        "sink_dropped",
        &["sink", "kind"],
        "Notices that were dropped, since too many waited, and that the sink does not know of yet.",
        |m, s| {
            let mut all = m.sinks.iter();
            all.try_for_each(|it| s.number(&[&it.name, &it.kind], it.dropped))
        },
    ),
    gauge(
        "sink_failing",
        &["sink", "kind"],
        "1 while the sink takes nothing.",
        |m, s| {
            let mut all = m.sinks.iter();
            all.try_for_each(|it| s.flag(&[&it.name, &it.kind], it.failing_since.is_some()))
        },
    ),
];
