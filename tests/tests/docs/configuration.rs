//! The configuration as the docs describe it is the one that the daemon reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use heartbeat_user::config;
use heartbeat_user::config::change::KEYS;

use crate::{read, table};

/// A key that stands in no table and resembles none.
const NOBODYS_KEY: &str = "qqqqqqqq";

#[test]
fn the_packages_file_configures_nothing_and_without_its_marks_is_the_example_of_three_nodes() {
    let shipped = read("packaging/heartbeatd.toml");
    assert!(
        shipped
            .lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    let marked = shipped.split_once("\n\n").expect("a head of its own").1;
    let bare: Vec<&str> = marked
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .collect();
    let example = read("docs/examples/three-nodes.toml");
    let example = example.split_once("\n\n").expect("a head of its own").1;
    assert_eq!(bare, example.lines().collect::<Vec<_>>());
}

#[test]
fn the_table_of_keys_names_every_key_that_is_known_and_no_other() {
    let mut in_docs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut of_table = String::new();
    for row in table(&read("docs/configuration.md"), "keys") {
        if !row[0].is_empty() {
            of_table.clone_from(&row[0]);
        }
        in_docs
            .entry(of_table.clone())
            .or_default()
            .insert(row[1].clone());
    }
    assert_eq!(in_docs, known_keys());
}

#[test]
fn the_table_of_keys_says_how_each_one_comes_into_force() {
    let mut of_table = String::new();
    let mut in_docs = Vec::new();
    for row in table(&read("docs/configuration.md"), "keys") {
        if !row[0].is_empty() {
            of_table.clone_from(&row[0]);
        }
        in_docs.push((format!("{of_table} {}", row[1]), row[5].clone()));
    }
    let in_code: Vec<_> = KEYS
        .iter()
        .map(|key| (key.path(), key.usually.as_str().to_owned()))
        .collect();
    assert_eq!(in_docs, in_code);
}

/// The keys that the reader knows in each table, as its complaint about an unknown one lists them.
fn known_keys() -> BTreeMap<String, BTreeSet<String>> {
    let headers = [
        "[cluster]",
        "[management]",
        "[pair]",
        "[[member]]",
        "[[virtual_address]]",
        "[recorder]",
        "[handovers]",
        "[[service]]",
        "[service.recovery.master]",
        "[hooks]",
        "[alarms]",
        "[[alarms.sink]]",
        "[http]",
        "[metrics]",
    ];
    let source: String = headers
        .iter()
        .map(|header| format!("{header}\n{NOBODYS_KEY} = 1\n"))
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("heartbeatd.toml");
    fs::write(&file, source).expect("writable");
    let errors = config::load(&file)
        .expect_err("unknown keys are refused")
        .to_string();
    let lists: Vec<BTreeSet<String>> = errors
        .split("known here: ")
        .skip(1)
        .filter_map(|rest| rest.lines().next())
        // `[[alarms.sink]]` has rows of its own.
        .map(|list| list.split(", ").filter(|key| *key != "sink"))
        .map(|keys| keys.map(str::to_owned).collect())
        .collect();
    assert_eq!(
        lists.len(),
        headers.len(),
        "one complaint a table: {errors}"
    );
    headers
        .iter()
        .map(|header| (*header).to_owned())
        .zip(lists)
        .collect()
}
