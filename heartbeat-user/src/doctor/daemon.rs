//! What the running daemon has to say, if one runs.

use super::Finding;
use crate::control::{Client, Request, Response, Status};

const SUBJECT: &str = "daemon";

pub(super) fn look(client: &Client) -> Vec<Finding> {
    match client.ask(Request::Status) {
        Ok(Response::Status(status)) => of(&status),
        Ok(Response::Refused(why)) => vec![Finding::note(SUBJECT, why)],
        Ok(_) => vec![Finding::note(
            SUBJECT,
            "it answered something else: use the heartbeatctl of its version",
        )],
        Err(error) => vec![Finding::note(SUBJECT, error.to_string())],
    }
}

fn of(status: &Status) -> Vec<Finding> {
    let mut found = vec![votes(status)];
    for alarm in &status.alarms {
        found.push(Finding::warning(
            SUBJECT,
            alarm.text.clone(),
            "its name stands under Alarms in docs/operations.md, with what to do",
        ));
    }
    let warnings = status.warnings.iter();
    found.extend(
        warnings.map(|warning| {
            Finding::warning(SUBJECT, warning.clone(), "the warning says what helps")
        }),
    );
    found
}

/// Whether multicast, the votes' port and the others' kernels work together, as the last question to all showed.
fn votes(status: &Status) -> Finding {
    const SUBJECT: &str = "votes";
    let text = format!(
        "{} of {} electors answered the last question to all",
        status.electors_answering,
        status.electors.len()
    );
    if status.electors_answering < status.majority {
        Finding::fault(
            SUBJECT,
            format!("{text}; {} are needed to elect a master", status.majority),
            "`heartbeatctl status` names the missing ones. If a switch lies between, does it forward the group? (snooping needs \
             a querier.) transport = \"unicast\" does without",
        )
    } else if status.electors_answering < status.electors.len() {
        Finding::warning(
            SUBJECT,
            text,
            "`heartbeatctl status` names the missing ones",
        )
    } else {
        Finding::good(SUBJECT, text)
    }
}
