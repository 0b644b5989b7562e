//! What is watched on a node, and what is run on it.

use crate::control::{HookWord, ServiceWord};
use crate::metrics::metric::{Metric, counter, gauge};

pub(super) static METRICS: &[Metric] = &[
    gauge(
        "service_state",
        &["service", "state"],
        "1 for the service's state on this node, 0 for every other.",
        |m, s| {
            m.status.services.iter().try_for_each(|it| {
                let all = ServiceWord::ALL.iter().map(|word| word.as_str());
                s.one_of(&[&it.name], all, Some(it.state.as_str()))
            })
        },
    ),
    gauge(
        "service_last_success_age_seconds",
        &["service"],
        "How long ago the last check began that succeeded; absent if none did.",
        |m, s| {
            m.status.services.iter().try_for_each(|it| {
                let age_us = it.last_success_age_us;
                age_us.map_or(Ok(()), |us| s.us(&[&it.name], us))
            })
        },
    ),
    counter(
        "service_overruns",
        &["service"],
        "Checks that did not end in their time, since the daemon's start.",
        |m, s| {
            let mut all = m.status.services.iter();
            all.try_for_each(|it| s.count(&[&it.name], it.overruns))
        },
    ),
    gauge(
        "service_recovery_attempts",
        &["service"],
        "How often it was tried to be brought back since it failed.",
        |m, s| {
            let mut all = m.status.services.iter();
            all.try_for_each(|it| s.number(&[&it.name], it.attempts.into()))
        },
    ),
    gauge(
        "hook_failed",
        &["hook"],
        "1 if the newest run of the hook failed; absent if it was not run since the daemon's start.",
        |m, s| {
            let mut all = m.status.hooks.iter();
            all.try_for_each(|it| s.flag(&[&it.hook], it.state == HookWord::Failed))
        },
    ),
    gauge(
        "hook_duration_seconds",
        &["hook"],
        "How long the newest run of the hook took; absent while it runs.",
        |m, s| {
            m.status
                .hooks
                .iter()
                .try_for_each(|it| it.took_us.map_or(Ok(()), |us| s.us(&[&it.hook], us)))
        },
    ),
];
