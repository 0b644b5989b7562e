//! What the docs, the alerts and the dashboard say of metrics is what the daemon exposes.

use std::collections::BTreeSet;
use std::process::Command;

use heartbeat_tests::monitoring::{DASHBOARD, RULES, TESTS, alerts, file, queries};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::metrics::{Kind, all};

use crate::{read, table};

const DOCS: &str = "docs/metrics.md";

#[test]
fn the_table_of_metrics_names_each_with_its_type_its_labels_and_its_help() {
    let in_code: Vec<Vec<String>> = all()
        .map(|metric| {
            vec![
                metric.full_name(),
                metric.kind.as_str().to_owned(),
                metric.labels.join(", "),
                metric.help.replace('`', ""),
            ]
        })
        .collect();
    assert_eq!(table(&read(DOCS), "metrics"), in_code);
}

#[test]
fn the_table_of_alerts_names_each_with_its_severity_and_its_expression() {
    let in_docs: Vec<_> = table(&read(DOCS), "alerts")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let alerts = alerts().expect("the rules");
    let in_code: Vec<_> = alerts
        .into_iter()
        .map(|it| (it.name, it.severity))
        .collect();
    assert_eq!(in_docs, in_code);
}

/// Every word in the text that begins as our metrics do.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words
        .filter(|word| word.starts_with("heartbeatd_"))
        .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
    let mut known = BTreeSet::new();
    for metric in all() {
        let name = metric.full_name();
        if metric.kind == Kind::Histogram {
            known.extend(["_bucket", "_sum", "_count"].map(|ending| format!("{name}{ending}")));
        }
        known.insert(name);
    }
    for file in [RULES, TESTS, DASHBOARD] {
        let text = read(file);
        let named = named(&text);
        assert!(named.len() > 20, "{file} names {named:?}");
        for name in named {
            assert!(known.contains(name), "{file}: there is no {name}");
        }
    }
}

#[test]
fn labels_that_alerts_and_dashboard_show_are_labels_of_what_they_ask_for() {
    // What every series has: our own two, and those of the scrape.
    let every = ["cluster", "node", "instance", "job"];
    let known: BTreeSet<&str> = all()
        .flat_map(|it| it.labels)
        .copied()
        .chain(every)
        .collect();
    let rules = read(RULES);
    let shown = rules
        .split("$labels.")
        .skip(1)
        .filter_map(|rest| rest.split(' ').next());
    let dashboard = read(DASHBOARD);
    let of_legends = dashboard
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split("}}").next());
    for label in shown.chain(of_legends) {
        assert!(known.contains(label), "nothing has a label {label}");
    }
}

#[test]
fn each_query_of_the_dashboard_is_of_the_chosen_cluster() {
    for (title, query) in queries("CHOSEN", "1m").expect("the dashboard") {
        assert!(query.contains("cluster=\"CHOSEN\""), "{title}: {query}");
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts_and_each_fires_when_it_should_and_only_then() {
    if lacks("promtool_finds", &[Need::Tool("promtool", "prometheus")]) {
        return;
    }
    for (what, file_name) in [("check", RULES), ("test", TESTS)] {
        let output = Command::new("promtool")
            .args([what, "rules"])
            .arg(file(file_name))
            .output()
            .expect("it can be started");
        let says = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{says}");
        assert!(says.contains("SUCCESS"), "{says}");
    }
    let tests = read(TESTS);
    for alert in alerts().expect("the rules") {
        for case in ["fires", "does not fire"] {
            let name = format!("name: {} {case}\n", alert.name);
            assert!(tests.contains(&name), "{TESTS} has no \"{}\"", name.trim());
        }
    }
}
