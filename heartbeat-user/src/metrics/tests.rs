//! What is exposed of a node that is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::{Begun, Format, Happened, Kind, Measured, PREFIX, all, exposition};
use crate::config::alarms::Severity;
use crate::control::tests::{details, master, slave};
use crate::control::{
    Bucket, Diagnosis, EpochParts, HolderStatus, HookStatus, HookWord, MemberStatus, NotElectable,
    ServiceStatus, ServiceWord, SinkStatus, Status, StoreStatus,
};

/// What is measured where this is the status.
pub(crate) fn measured(status: Status) -> Measured {
    let ended = |from_ns, below_ns| Bucket {
        from_ns,
        below_ns,
        count: 10,
    };
    Measured {
        status,
        details: details(),
        lateness: vec![ended(12_288, Some(16_384))],
        turns: vec![ended(65_536, Some(98_304))],
        sinks: vec![sink()],
        store: Some(store()),
        happened: happened(),
        configured: SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600),
    }
}

fn sink() -> SinkStatus {
    SinkStatus {
        name: "pager".to_owned(),
        kind: "webhook".to_owned(),
        least: Severity::Warning,
        delivered: 3,
        last_delivered: None,
        waiting: 2,
        dropped: 1,
        fault: Some("refused".to_owned()),
        failing_since: Some("2026-01-01T00:00:00.000Z".to_owned()),
        attempts: 4,
        next_attempt: None,
    }
}

fn store() -> StoreStatus {
    StoreStatus {
        state: "serving".to_owned(),
        text: "it can be read and written".to_owned(),
        epoch: EpochParts { round: 4, slot: 1 },
        revision: 17,
        entries: 5,
        bytes: 512,
        disk: None,
        holders: vec![HolderStatus {
            slot: 2,
            counts: true,
            state: Some("counts".to_owned()),
            behind: Some(1),
        }],
    }
}

fn happened() -> Happened {
    let mut happened = Happened {
        roles: BTreeMap::from([("master", 2)]),
        begun: BTreeMap::from([(Begun::Election, 2)]),
        notes_lost: 6,
        ..Happened::default()
    };
    happened.until_elected.count(Duration::from_millis(60));
    happened.until_announced.count(Duration::from_secs(40));
    happened
}

/// A master's status in which every metric has a value.
fn full() -> Status {
    let mut status = master();
    status.services = vec![ServiceStatus {
        name: "web \"1\"".to_owned(),
        check: "http".to_owned(),
        state: ServiceWord::Recovering,
        state_age_us: 1,
        last_success_age_us: Some(2_000_000),
        fault: None,
        last_fault: None,
        last_fault_age_us: None,
        overruns: 7,
        attempts: 1,
        next_attempt_us: None,
    }];
    status.hooks = vec![HookStatus {
        hook: "on_promote".to_owned(),
        state: HookWord::Failed,
        epoch: status.epoch,
        reason: "elected".to_owned(),
        at: "2026-01-01T00:00:00.000Z".to_owned(),
        took_us: Some(1_500_000),
        waited_us: None,
        fault: None,
        owed: 0,
    }];
    status
}

fn text(status: Status, format: Format) -> String {
    exposition(measured(status), format)
}

/// Every series with its value, as the text has it.
fn series(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let split = |line: &str| {
        line.rsplit_once(' ')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    lines
        .map(|line| split(line).expect("a name and a value"))
        .collect()
}

/// The value of one series of node n1 in the text format.
fn value(status: Status, name: &str, labels: &str) -> Option<f64> {
    let more = if labels.is_empty() { "" } else { "," };
    let whole = format!("{PREFIX}_{name}{{cluster=\"storage-a\",node=\"n1\"{more}{labels}}}");
    let all = series(&text(status, Format::Text));
    all.get(&whole)
        .map(|value| value.parse().expect("a number"))
}

#[test]
fn every_metric_of_the_table_has_a_value_on_a_master_in_both_formats() {
    for format in [Format::OpenMetrics, Format::Text] {
        let text = text(full(), format);
        let series = series(&text);
        for metric in all() {
            let name = metric.full_name();
            let ending = if metric.kind == Kind::Histogram {
                "_count"
            } else {
                ""
            };
            let begins = format!("{name}{ending}{{cluster=\"storage-a\",node=\"n1\"");
            let of: Vec<_> = series.keys().filter(|it| it.starts_with(&begins)).collect();
            assert!(!of.is_empty(), "{name} has no series in {format:?}\n{text}");
            for label in metric.labels {
                assert!(
                    of.iter().all(|it| it.contains(&format!("{label}=\""))),
                    "{name}: {label}"
                );
            }
        }
    }
    assert!(text(full(), Format::OpenMetrics).ends_with("# EOF\n"));
}

#[test]
fn names_go_by_prometheuss_conventions() {
    let names: Vec<_> = all().map(super::Metric::full_name).collect();
    assert_eq!(
        names.iter().collect::<BTreeSet<_>>().len(),
        names.len(),
        "a name twice"
    );
    for metric in all() {
        let name = metric.full_name();
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(is_plain), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{name}"
        );
        assert_eq!(name.ends_with("_info"), metric.kind == Kind::Info, "{name}");
        assert!(
            metric.kind != Kind::Histogram || name.ends_with("_seconds"),
            "{name}"
        );
        for part in ["_ms", "_us", "_ns", "milli", "micro"] {
            assert!(
                !name.ends_with(part) && !name.contains("milli"),
                "{name} is in base units"
            );
        }
        let (starts, ends) = (metric.help.chars().next(), metric.help.chars().last());
        assert!(
            starts.is_some_and(|c| !c.is_lowercase()) && ends == Some('.'),
            "{name}"
        );
        assert!(!metric.help.contains(['|', '\n', '\\']), "{name}");
    }
}

#[test]
fn values_are_those_of_the_status() {
    let is = |name: &str, labels: &str| value(full(), name, labels);
    assert_eq!(is("is_master", ""), Some(1.0));
    assert_eq!(is("role", "role=\"master\""), Some(1.0));
    assert_eq!(is("role", "role=\"slave\""), Some(0.0));
    assert_eq!(is("lease_remaining_seconds", ""), Some(0.0382));
    assert_eq!(
        is("member_round_trip_seconds", "slot=\"2\",member=\"n2\""),
        Some(0.000_12)
    );
    assert_eq!(is("frames_total", "verdict=\"reply_counted\""), Some(42.0));
    assert_eq!(is("links_refused_total", "cause=\"stranger\""), Some(4.0));
    assert_eq!(is("masterships_begun_total", "by=\"election\""), Some(2.0));
    assert_eq!(is("masterships_begun_total", "by=\"handover\""), Some(0.0));
    assert_eq!(is("store_behind_changes", "slot=\"2\""), Some(1.0));
    assert_eq!(
        is("sink_waiting", "sink=\"pager\",kind=\"webhook\""),
        Some(2.0)
    );
    assert_eq!(
        is(
            "service_state",
            "service=\"web \\\"1\\\"\",state=\"recovering\""
        ),
        Some(1.0)
    );
    assert_eq!(
        is("config_last_success_timestamp_seconds", ""),
        Some(1_767_225_600.0)
    );
    assert_eq!(
        is("virtual_address_gate_open", "address=\"203.0.113.100\""),
        Some(1.0)
    );
}

#[test]
fn a_slave_says_nothing_of_what_only_a_master_knows() {
    let mut status = slave();
    status.slot = 1;
    status.not_electable = Some(NotElectable::Service);
    let is = |name: &str, labels: &str| value(status.clone(), name, labels);
    assert_eq!(is("is_master", ""), Some(0.0));
    assert_eq!(is("lease_remaining_seconds", ""), None);
    assert_eq!(is("members_missing", ""), None);
    assert_eq!(is("member_answering", "slot=\"2\",member=\"n2\""), None);
    assert_eq!(is("members", ""), Some(3.0));
    assert_eq!(is("not_electable", "reason=\"service\""), Some(1.0));
}

#[test]
fn buckets_of_the_kernel_become_seconds_and_lose_none() {
    // 7 gaps of 8.4 to 12.6 ms.
    let bucket = |le: &str| {
        value(
            full(),
            "heartbeat_gap_seconds_bucket",
            &format!("le=\"{le}\""),
        )
    };
    assert_eq!(bucket("0.008388608"), Some(0.0));
    assert_eq!(bucket("0.016777216"), Some(7.0));
    assert_eq!(bucket("+Inf"), Some(7.0));
    assert_eq!(value(full(), "heartbeat_gap_seconds_count", ""), Some(7.0));
    let sum = value(full(), "heartbeat_gap_seconds_sum", "").expect("a sum");
    assert!((sum - 7.0 * 0.010_485_76).abs() < 1e-9, "{sum}");
    assert_eq!(
        value(full(), "heartbeat_gap_max_seconds", ""),
        Some(0.012_582_912)
    );
}

#[test]
fn failovers_are_counted_by_their_length_and_one_beyond_all_bounds_too() {
    let bucket = |until: &str, le: &str| {
        let labels = format!("until=\"{until}\",le=\"{le}\"");
        value(full(), "failover_duration_seconds_bucket", &labels)
    };
    assert_eq!(bucket("elected", "0.05"), Some(0.0));
    assert_eq!(bucket("elected", "0.075"), Some(1.0));
    assert_eq!(bucket("announced", "30"), Some(0.0));
    assert_eq!(bucket("announced", "+Inf"), Some(1.0));
}

#[test]
fn of_a_large_cluster_only_those_have_series_that_are_not_well_and_only_so_many() {
    let mut status = master();
    let like = status.members[1].clone();
    let member = |slot| MemberStatus {
        slot,
        name: format!("m{slot}"),
        ..like.clone()
    };
    status.members.extend((4..=10_000).map(member));
    let of = |status: &Status| {
        let all = series(&text(status.clone(), Format::Text));
        all.keys()
            .filter(|it| it.contains("_member_answering{"))
            .count()
    };
    assert_eq!(of(&status), 0);
    assert_eq!(value(status.clone(), "members", ""), Some(10_000.0));
    for member in &mut status.members[500..] {
        member.diagnosis = Diagnosis::Down;
    }
    assert_eq!(of(&status), 64);
    assert_eq!(of(&master()), 3);
}

#[test]
fn who_accepts_openmetrics_gets_it_and_everybody_else_prometheuss_text() {
    let prometheus =
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    for other in ["", "*/*", "text/plain", "text/html"] {
        assert_eq!(Format::accepted(other), Format::Text);
    }
}
