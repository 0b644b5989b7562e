//! Who hears of alarms, and how that goes.

use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use crate::config::alarms::Severity;

/// What `heartbeatctl alarms --json` shows: keys are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmsStatus {
    /// Alarms in force on this node.
    pub alarms: Vec<Alarm>,
    /// Who hears of them, in the configuration's order.
    pub sinks: Vec<SinkStatus>,
}

/// One sink. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub kind: String,
    /// What is less than this it does not hear.
    pub least: Severity,
    /// How many notices it took since the daemon's start.
    pub delivered: u64,
    /// When it took the last one; null if it took none.
    pub last_delivered: Option<String>,
    /// How many wait for it.
    pub waiting: usize,
    /// How many were dropped that it does not know of yet.
    pub dropped: u64,
    /// Why the last attempt failed; null if it did not.
    pub fault: Option<String>,
    /// Since when it takes nothing; null if it does.
    pub failing_since: Option<String>,
    /// How many attempts failed since then.
    pub attempts: u32,
    /// When it is tried again; null if it takes what it is sent.
    pub next_attempt: Option<String>,
}

/// How one sink took a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkTest {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub kind: String,
    /// Why it did not take it; null if it did.
    pub fault: Option<String>,
    /// How long that took.
    pub took_us: u64,
}
