//! What is tried when a service fails.

use heartbeat_core::recovery::Plan;

use super::unit::unit_name;
use super::{MS, SECOND, SPANS, TIMEOUTS, span};
use crate::config::check::program::program;
use crate::config::fault::Fault;
use crate::config::file::services::Recovery as Written;
use crate::config::service::{Means, Recovery};

/// `Some(None)`: nothing is tried.
pub(super) fn recovery(
    written: Option<&Written>,
    faults: &mut Vec<Fault>,
) -> Option<Option<Recovery>> {
    let Some(written) = written else {
        return Some(None);
    };
    let means = means(written, faults);
    let timeout = span(&written.timeout, SECOND * 10, TIMEOUTS, faults);
    let backoff = span(&written.backoff, SECOND, SPANS, faults);
    let within = span(&written.within, SECOND * 30, MS..=*SPANS.end(), faults);
    Some(Some(Recovery {
        means: means?,
        timeout: timeout?,
        plan: Plan {
            attempts: u32::from(written.attempts.as_ref().map_or(3, |it| *it.get_ref())),
            backoff: backoff?,
            within: within?,
        },
    }))
}

/// A program, or a unit.
fn means(written: &Written, faults: &mut Vec<Fault>) -> Option<Means> {
    match (&written.command, &written.unit) {
        (Some(command), None) => program(command, &written.user, faults).map(Means::Program),
        (None, Some(unit)) => {
            if let Some(user) = &written.user {
                let cause = "`user` says who `command` is run as: a unit says so itself";
                faults.push(Fault::new(user.span(), cause, "take it out"));
            }
            unit_name(unit, faults).map(Means::Unit)
        }
        (Some(command), Some(unit)) => {
            let cause = "`command` and `unit`: one of them brings the service back";
            let fault = Fault::new(unit.span(), cause, "take one of the two out");
            faults.push(fault.also(command.span(), "the other one"));
            None
        }
        (None, None) => {
            let cause = "nothing says what brings the service back";
            let cure = "write command = [\"/usr/bin/program\"], or unit = \"nginx.service\"";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            None
        }
    }
}
