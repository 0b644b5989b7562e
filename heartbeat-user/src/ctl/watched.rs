//! Services and hooks as a person reads them.

use super::names::Names;
use super::render::or_dash;
use super::table::table;
use crate::control::human::duration;
use crate::control::{HookStatus, ServiceStatus};

/// One line a hook: its newest run.
pub(super) fn hooks(hooks: &[HookStatus], names: &Names) -> String {
    let row = |run: &HookStatus| {
        [
            run.hook.clone(),
            run.state.as_str().to_owned(),
            format!("{}/{}", run.epoch.round, run.epoch.slot),
            run.at.clone(),
            or_dash(run.took_us.map(duration)),
            or_dash(run.fault.clone()),
            names.beside(&run.reason),
        ]
    };
    let rows: Vec<_> = hooks.iter().map(row).collect();
    table(
        [
            "HOOK",
            "STATE",
            "ROUND/SLOT",
            "WHEN (UTC)",
            "TOOK",
            "FAULT",
            "WHY",
        ],
        &rows,
    )
}

/// One line a service.
pub(super) fn services(services: &[ServiceStatus]) -> String {
    let row = |service: &ServiceStatus| {
        [
            service.name.clone(),
            service.check.clone(),
            service.state.as_str().to_owned(),
            duration(service.state_age_us),
            or_dash(service.last_success_age_us.map(duration)),
            service.overruns.to_string(),
            service.attempts.to_string(),
            or_dash(service.next_attempt_us.map(duration)),
            or_dash(fault(service)),
        ]
    };
    let rows: Vec<_> = services.iter().map(row).collect();
    table(
        [
            "SERVICE",
            "CHECK",
            "STATE",
            "FOR",
            "LAST WELL",
            "HUNG",
            "ATTEMPTS",
            "NEXT",
            "FAULT",
        ],
        &rows,
    )
}

/// The last check's fault, or the last one that there was.
fn fault(service: &ServiceStatus) -> Option<String> {
    let past = || {
        let (fault, age) = (service.last_fault.as_ref()?, service.last_fault_age_us?);
        Some(format!("{} ago: {fault}", duration(age)))
    };
    service.fault.clone().or_else(past)
}
