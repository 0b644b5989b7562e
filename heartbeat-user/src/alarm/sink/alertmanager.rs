//! Alertmanager's API, version 2: what is in force is told again and again, since what is not told any more is taken for
//! resolved.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hyper::Request;
use hyper::header::CONTENT_TYPE;
use serde::Serialize;

use super::{accepted, server};
use crate::alarm::notice::{Action, Notice};
use crate::config::Connection;
use crate::config::alarms::Url;
use crate::control::rfc3339;
use crate::net::http::Server;

/// An alert ends by itself after so many times that it was not told: as Prometheus has it.
const MISSED: u32 = 4;

pub(super) struct Alertmanager {
    url: Url,
    server: Server,
    pub(super) resend: Duration,
}

/// `postableAlert` of the API's description.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    /// What it is known by: the same on every node, so that a new master's word takes the place of the old one's.
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, &'a str>,
    starts_at: &'a str,
    ends_at: String,
}

impl Alertmanager {
    pub(super) fn new(url: &Url, from: Option<Connection>, resend: Duration) -> Self {
        Self {
            server: server(url, from),
            url: url.clone(),
            resend,
        }
    }

    pub(super) async fn deliver(&mut self, notice: &Notice) -> Result<(), String> {
        self.repeat(std::slice::from_ref(notice)).await
    }

    pub(super) async fn repeat(&mut self, notices: &[Notice]) -> Result<(), String> {
        let until = rfc3339(SystemTime::now() + self.resend * MISSED);
        let alerts: Vec<Alert<'_>> = notices.iter().map(|it| alert(it, &until)).collect();
        let body = serde_json::to_vec(&alerts).map_err(|error| error.to_string())?;
        let request = Request::post(&self.url.path).header(CONTENT_TYPE, "application/json");
        let answer = self.server.ask(request, body.into()).await?;
        accepted(&self.url, &answer)
    }
}

fn alert<'a>(notice: &'a Notice, until: &str) -> Alert<'a> {
    let subject = notice.key.splitn(3, '/').last().unwrap_or_default();
    let mut labels = BTreeMap::from([
        ("alertname", notice.name.as_str().to_owned()),
        ("cluster", notice.cluster.clone()),
        ("scope", notice.scope.as_str().to_owned()),
        ("severity", notice.severity.as_str().to_owned()),
        ("subject", subject.to_owned()),
    ]);
    if let Some(slot) = notice.slot {
        labels.insert("slot", slot.to_string());
    }
    let over_at = notice
        .over_at
        .as_deref()
        .filter(|_| notice.action == Action::Cleared);
    Alert {
        labels,
        annotations: BTreeMap::from([
            ("summary", notice.text.as_str()),
            ("description", notice.cure.as_str()),
            ("reporter", notice.reporter.name.as_str()),
        ]),
        starts_at: &notice.since,
        ends_at: over_at.unwrap_or(until).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alarm::tests::{identity, member_alarm};

    #[test]
    fn an_alert_has_the_keys_of_the_apis_description_and_labels_that_no_reporter_changes() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
        let raised = identity().notice(&member_alarm(3), since, None);
        let until = "2025-01-01T00:04:00.000Z";
        let expected = json!({
            "labels": {
                "alertname": "down", "cluster": "storage-a", "scope": "cluster", "severity": "warning", "slot": "3",
                "subject": "slot-3"
            },
            "annotations": {
                "summary": raised.text, "description": raised.cure, "reporter": "n1"
            },
            "startsAt": "2025-01-01T00:00:00.000Z",
            "endsAt": until
        });
        assert_eq!(json!(alert(&raised, until)), expected);
        let over_at = since + Duration::from_secs(60);
        let over = identity().notice(&member_alarm(3), since, Some(over_at));
        let over = json!(alert(&over, until));
        assert_eq!(over["endsAt"], "2025-01-01T00:01:00.000Z");
        assert_eq!(over["labels"], expected["labels"]);
    }
}
