//! Services that are not well, and hooks that did not succeed.

use crate::control::human::duration;
use crate::control::snapshot::{HookStatus, ServiceStatus, Status};
use crate::control::words::{HookWord, ServiceWord};

/// A sentence for each that matters.
pub(super) fn watched(status: &Status) -> Vec<String> {
    let services = status.services.iter().filter_map(service);
    services
        .chain(status.hooks.iter().filter_map(hook))
        .collect()
}

fn service(service: &ServiceStatus) -> Option<String> {
    let name = &service.name;
    let what = match service.state {
        ServiceWord::Healthy | ServiceWord::NotWatched => return None,
        ServiceWord::Starting => "was not seen to work yet".to_owned(),
        ServiceWord::Recovering => {
            let next = (service.next_attempt_us)
                .map(|left| format!(", the next one in {}", duration(left)));
            format!(
                "failed and is being brought back ({} attempts so far{})",
                service.attempts,
                next.unwrap_or_default()
            )
        }
        ServiceWord::Lost => format!(
            "failed, and nothing more is tried after {} attempts",
            service.attempts
        ),
    };
    let last = match service.last_success_age_us {
        Some(age) => format!("it was last well {} ago", duration(age)),
        None => "no check has succeeded since the daemon's start".to_owned(),
    };
    let fault = service.fault.as_deref().unwrap_or("none");
    Some(format!(
        "Service {name} {what}: {last}; the last check's fault: {fault}."
    ))
}

fn hook(run: &HookStatus) -> Option<String> {
    let hook = &run.hook;
    match run.state {
        HookWord::Succeeded => None,
        HookWord::Waiting => Some(format!(
            "Hook {hook} is to be run since {}, and waits until a majority of the electors' disks has its token: {}. It has \
             failed if they do not within its `timeout`: look after their disks and the links to them (`heartbeatctl nodes`).",
            run.at,
            run.fault
                .as_deref()
                .unwrap_or("none of them lacks it for long")
        )),
        HookWord::Running => Some(format!("Hook {hook} runs since {}.", run.at)),
        HookWord::Failed => Some(format!(
            "Hook {hook} {} ({}).",
            run.fault.as_deref().unwrap_or("failed"),
            run.at
        )),
    }
}
