//! One line of a replay.

use std::fmt;
use std::time::Duration;

use heartbeat_core::Command;
use serde::Serialize;

use crate::control::{EpochParts, Role};

/// One line.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line {
    /// Number of the entry in the record, from 1.
    pub(super) entry: u64,
    /// When, by the wall clock, as RFC 3339 in UTC.
    pub(super) at: String,
    /// When, by the node's CLOCK_BOOTTIME in nanoseconds.
    pub(super) boot_ns: u64,
    /// The same since the record's first entry, in microseconds.
    pub(super) since_us: u64,
    pub(super) kind: Kind,
    pub(super) what: String,
    /// What led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// That has a line of its own, which stands above.
    #[serde(skip)]
    pub(super) is_why_told: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<Change>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Where the election begins, or goes on.
    Start,
    /// What happened to it.
    Event,
    /// What it commanded.
    Command,
    /// What is missing.
    Gap,
    /// Where a file ends.
    File,
    /// Where all ends.
    #[default]
    End,
}

/// A role change, as the history has it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    from: Role,
    to: Role,
    epoch: EpochParts,
    reason: String,
    duration_us: u64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (second, us) = (self.since_us / 1_000_000, self.since_us % 1_000_000);
        let mark = match self.kind {
            Kind::Event => "<-",
            Kind::Command => "->",
            Kind::Start | Kind::Gap | Kind::File | Kind::End => "--",
        };
        write!(f, "{}  +{second}.{us:06} s  {mark} {}", self.at, self.what)?;
        match &self.why {
            Some(why) if !self.is_why_told => write!(f, "  [{why}]"),
            Some(_) | None => Ok(()),
        }
    }
}

pub(super) fn change(command: &Command) -> Option<Change> {
    let Command::RoleChanged {
        from,
        to,
        reason,
        epoch,
        lasted,
    } = command
    else {
        return None;
    };
    Some(Change {
        from: (*from).into(),
        to: (*to).into(),
        epoch: (*epoch).into(),
        reason: reason.to_string(),
        duration_us: us(*lasted),
    })
}

pub(super) fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
