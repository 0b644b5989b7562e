//! Why a member is diagnosed so: the facts of its newest answer, in a sentence.

use std::time::Duration;

use heartbeat_core::Instant;
use heartbeat_core::config::Timing;
use heartbeat_core::event::Reply;
use heartbeat_core::snapshot::{Diagnosis, Snapshot};

use super::human::duration;
use super::words::AlarmName;
use crate::config::Config;

/// What this node, which is master, knows of a member by its newest answer; none for one that is well or not judged yet.
#[must_use]
pub fn why(
    config: &Config,
    snapshot: &Snapshot,
    reply: Option<&Reply>,
    diagnosis: Diagnosis,
) -> Option<String> {
    let now = snapshot.at;
    Some(match diagnosis {
        Diagnosis::Healthy | Diagnosis::Unknown => return None,
        Diagnosis::Misconfigured => misconfigured(config, snapshot, reply?),
        Diagnosis::DaemonStalled => match since(now, reply?, reply?.daemon_age) {
            Some(age) => format!("its daemon gave no sign of life for {age}; its kernel answers"),
            None => "its daemon gave no sign of life since its maps were made; its kernel answers"
                .to_owned(),
        },
        Diagnosis::ServiceFault => match reply.and_then(|it| since(now, it, it.service_age)) {
            Some(age) => format!("all its services were last found well {age} ago"),
            None => "a check found a service of it failed".to_owned(),
        },
        Diagnosis::BusinessFault => format!(
            "it answered none of {} questions in a row over the business network; it answers on the management network",
            Timing::BUSINESS_QUESTIONS
        ),
        Diagnosis::ManagementFault => {
            format!("{}; it answers on the business network", silent(now, reply))
        }
        Diagnosis::Down => format!(
            "{}, nor on the business network to three questions",
            silent(now, reply)
        ),
    })
}

/// The alarm of that name says what to do.
pub(super) const fn alarm_of(diagnosis: Diagnosis) -> Option<AlarmName> {
    Some(match diagnosis {
        Diagnosis::Healthy | Diagnosis::Unknown => return None,
        Diagnosis::Misconfigured => AlarmName::Misconfigured,
        Diagnosis::DaemonStalled => AlarmName::DaemonStalled,
        Diagnosis::ManagementFault => AlarmName::ManagementFault,
        Diagnosis::Down => AlarmName::Down,
        Diagnosis::ServiceFault => AlarmName::ServiceFault,
        Diagnosis::BusinessFault => AlarmName::BusinessFault,
    })
}

fn misconfigured(config: &Config, snapshot: &Snapshot, reply: &Reply) -> String {
    if reply.config_digest != config.digest {
        return format!(
            "its configuration has the digest {:016x}, this node's {:016x}",
            reply.config_digest, config.digest
        );
    }
    let in_force = &snapshot.electors.record.in_force;
    format!(
        "its electors' set is version {} ({:08x}), in force is version {} ({:08x})",
        reply.elector_version,
        reply.elector_digest,
        in_force.version,
        in_force.digest()
    )
}

/// How long ago something was that was so old when the answer was made.
fn since(now: Instant, reply: &Reply, age: Option<Duration>) -> Option<String> {
    Some(words(now.since(reply.arrival) + age?))
}

fn silent(now: Instant, reply: Option<&Reply>) -> String {
    match reply.filter(|reply| reply.arrival > Instant::ZERO) {
        Some(reply) => format!(
            "no answer on the management network for {}",
            words(now.since(reply.arrival))
        ),
        None => "no answer on the management network so far".to_owned(),
    }
}

fn words(time: Duration) -> String {
    duration(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}
