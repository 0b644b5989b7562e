//! The tables of failures: nothing that the code can say is missing, and every scenario is shown.

use crate::words::{alarms, diagnoses};
use crate::{read, table};

const PAGE: &str = "docs/failures.md";
const TABLES: [&str; 5] = [
    "failures of nodes",
    "failures of networks",
    "failures of addresses",
    "failures of services",
    "failures of pairs",
];
const REST: &str = "failures of the rest";
/// Modules beside the scenarios that show no failure: what they share, and the manual itself.
const NO_FAILURES: [&str; 3] = ["scene", "killed", "getting_started"];

#[test]
fn every_failure_says_what_happens_what_to_do_and_what_shows_it() {
    let rows = rows();
    for row in &rows {
        let [fails, happens, _, _, _, shown] = row.as_slice() else {
            panic!("six cells: {row:?}");
        };
        assert!(!happens.is_empty(), "{fails}: what happens?");
        assert!(shown.contains(".rs)"), "{fails}: which test shows it?");
    }
    assert!(rows.len() > 60, "{} rows", rows.len());
}

#[test]
fn every_scenario_stands_in_a_table_of_failures() {
    let shown: String = rows().iter().map(|row| row[5].clone()).collect();
    let modules = read("tests/tests/scenarios/main.rs");
    let mut scenarios = 0;
    for line in modules.lines() {
        let name = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        let Some(name) = name.filter(|name| !NO_FAILURES.contains(name)) else {
            continue;
        };
        scenarios += 1;
        let link = format!("[{name}](../tests/tests/scenarios/{name}.rs)");
        assert!(shown.contains(&link), "no row is shown by {link}");
    }
    assert!(scenarios > 50, "found {scenarios}: the search is broken");
}

#[test]
fn every_alarm_and_every_diagnosis_stands_in_a_table_of_failures() {
    let page = read(PAGE);
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    for word in alarms().into_iter().chain(diagnoses()) {
        let quoted = format!("`{word}`");
        assert!(
            rows.iter().any(|row| row.contains(&quoted)),
            "no row says {quoted}"
        );
    }
}

fn rows() -> Vec<Vec<String>> {
    let page = read(PAGE);
    let tables = TABLES.iter().chain([&REST]);
    tables.flat_map(|name| table(&page, name)).collect()
}
