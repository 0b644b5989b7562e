//! What sinks hear: that an alarm was raised, or that it is over.

use std::time::SystemTime;

use heartbeat_core::Slot;
use serde::{Deserialize, Serialize};

use crate::config::alarms::Severity;
use crate::control::{Alarm, AlarmName, Scope, rfc3339};

/// Version of the notice as JSON: keys are added under one version, never changed.
pub const SCHEMA: u32 = 1;

/// One thing that sinks hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Another one for each notice: a receiver tells a repeated one by it.
    pub id: String,
    /// Raised, or over.
    pub action: Action,
    /// The cluster's name.
    pub cluster: String,
    /// Who says it.
    pub reporter: Reporter,
    /// The alarm's key: the same on every node, and for its end.
    pub key: String,
    /// Its name.
    pub name: AlarmName,
    /// How much depends on it.
    pub severity: Severity,
    /// Who is to say it: whoever is master, or this very node.
    pub scope: Scope,
    /// The member it is about; null when it is about the reporter or the cluster.
    pub slot: Option<Slot>,
    /// One sentence.
    pub text: String,
    /// What to do about it.
    pub cure: String,
    /// Since when it is in force, as RFC 3339 in UTC.
    pub since: String,
    /// When it was over; null while it is in force.
    pub over_at: Option<String>,
    /// How many notices this sink lost before; null but for `alarms_dropped`.
    pub dropped: Option<u64>,
}

/// What happened to an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is in force.
    Raised,
    /// It is over.
    Cleared,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

/// The node that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// Its slot.
    pub slot: Slot,
    /// Its name.
    pub name: String,
}

/// Who speaks here, of which cluster.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The cluster's name.
    pub cluster: String,
    /// This node.
    pub reporter: Reporter,
}

impl Identity {
    /// That this alarm is in force since then, or was until then.
    pub(super) fn notice(
        &self,
        alarm: &Alarm,
        since: SystemTime,
        over_at: Option<SystemTime>,
    ) -> Notice {
        let action = if over_at.is_some() {
            Action::Cleared
        } else {
            Action::Raised
        };
        let since = rfc3339(since);
        Notice {
            schema: SCHEMA,
            id: format!("{}@{since}/{}", alarm.key, action.as_str()),
            action,
            cluster: self.cluster.clone(),
            reporter: self.reporter.clone(),
            key: alarm.key.clone(),
            name: alarm.name,
            severity: alarm.severity,
            scope: alarm.scope,
            slot: alarm.slot,
            text: alarm.text.clone(),
            cure: alarm.cure.clone(),
            since,
            over_at: over_at.map(rfc3339),
            dropped: None,
        }
    }

    /// That so many older ones were dropped, the newest of them at that time.
    pub(super) fn dropped(&self, count: u64, at: SystemTime) -> Notice {
        let text = format!(
            "{count} older alarms were dropped, since more waited for this sink than are kept"
        );
        Notice {
            dropped: Some(count),
            ..self.own(AlarmName::AlarmsDropped, text, at)
        }
    }

    /// That somebody tries whether alarms arrive.
    #[must_use]
    pub fn test(&self, at: SystemTime) -> Notice {
        let text = format!(
            "a test by `heartbeatctl alarms test` on {}",
            self.reporter.name
        );
        self.own(AlarmName::Test, text, at)
    }

    fn own(&self, name: AlarmName, text: String, at: SystemTime) -> Notice {
        let alarm = Alarm {
            key: format!(
                "{}/{}/node-{}",
                self.cluster,
                name.as_str(),
                self.reporter.slot
            ),
            name,
            severity: name.severity(),
            scope: Scope::Node,
            slot: None,
            text,
            cure: name.cure().to_owned(),
            since: None,
            age_us: None,
        };
        self.notice(&alarm, at, None)
    }
}
