//! What a node is, and how well its daemon runs.

use std::time::SystemTime;

use crate::metrics::metric::{Metric, counter, gauge, histogram, info};

pub(super) static METRICS: &[Metric] = &[
    info("build", &["version"], "The daemon's version.", |m, s| {
        s.info(&[&m.status.version])
    }),
    info(
        "node",
        &["slot", "interface", "xdp_mode"],
        "This node's slot, and how heartbeats are answered on its management interface; empty while they are not.",
        |m, s| {
            let datapath = m.status.datapath.as_ref();
            let interface = datapath.map_or("", |it| &it.interface);
            let mode = datapath.map_or("", |it| &it.mode);
            s.info(&[&m.status.slot, &interface, &mode])
        },
    ),
    gauge(
        "warnings",
        &[],
        "What this node lacks, as `heartbeatctl status` lists it.",
        |m, s| s.number(&[], m.status.warnings.len() as u64),
    ),
    gauge(
        "config_last_reload_successful",
        &[],
        "1 unless the newest reload of the configuration was refused.",
        |m, s| s.flag(&[], m.status.reloads.fault.is_none()),
    ),
    gauge(
        "config_last_success_timestamp_seconds",
        &[],
        "When a configuration was put in force last, at the start or by a reload, by the wall clock.",
        |m, s| s.value(&[], unix(m.configured)),
    ),
    counter(
        "config_reloads",
        &["outcome"],
        "Reloads of the configuration, by what became of them: applied, refused.",
        |m, s| {
            s.count(&[&"applied"], m.status.reloads.applied)?;
            s.count(&[&"refused"], m.status.reloads.refused)
        },
    ),
    counter("pulse_turns", &[], "Turns of the pulse thread.", |m, s| {
        s.count(&[], m.status.local.turns)
    }),
    histogram(
        "pulse_lateness_seconds",
        &[],
        "How late the pulse's turns began: what this machine's scheduling costs. The sum is an estimate.",
        |m, s| s.octaves(&m.lateness),
    ),
    gauge(
        "pulse_lateness_max_seconds",
        &[],
        "The latest of all turns since the daemon's start.",
        |m, s| s.us(&[], m.status.local.worst_lateness_us),
    ),
    histogram(
        "pulse_turn_seconds",
        &[],
        "How long the pulse's turns took. The sum is an estimate.",
        |m, s| s.octaves(&m.turns),
    ),
    gauge(
        "pulse_turn_max_seconds",
        &[],
        "The longest of all turns since the daemon's start.",
        |m, s| s.us(&[], m.status.local.worst_turn_us),
    ),
    counter(
        "pulse_notes_lost",
        &[],
        "Notes of the pulse that were dropped, since the log or the disk was slower than the election.",
        |m, s| s.count(&[], m.happened.notes_lost),
    ),
];

fn unix(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
