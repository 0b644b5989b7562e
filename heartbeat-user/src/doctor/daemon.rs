//! What the running daemon has to say, if one runs.

use super::Finding;
use crate::control::{Client, Request, Response, Status};

const SUBJECT: &str = "daemon";

/// Its status, or why there is none.
pub(super) fn ask(client: &Client) -> Result<Status, String> {
    match client.ask(Request::Status) {
        Ok(Response::Status(status)) => Ok(*status),
        Ok(Response::Refused(why)) => Err(why),
        Ok(_) => Err("it answered something else: use the heartbeatctl of its version".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn look(status: Result<Status, String>) -> Vec<Finding> {
    match status {
        Ok(status) => of(&status),
        Err(why) => vec![Finding::note(SUBJECT, why)],
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
