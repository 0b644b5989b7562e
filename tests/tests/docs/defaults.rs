//! The defaults in the table of keys are those that the daemon goes by.

use std::fs;

use heartbeat_user::config;
use heartbeat_user::config::change::Facts;
use serde_json::Value;

use crate::examples::write_key;
use crate::{read, table};

/// Every table that a quorum may have, with no key that has a default.
const TABLES: &str = r#"
[recorder]
file = "record"

[handovers]

[[service]]
name = "web"
tcp = "127.0.0.1:80"

[service.recovery.master]
unit = "web.service"

[hooks]
on_promote = ["/bin/true"]

[alarms]

[[alarms.sink]]
name = "alertmanager"
alertmanager = "http://203.0.113.9:9093"

[http]
listen = "business:7480"

[metrics]
textfile = "/var/lib/node_exporter/heartbeatd.prom"
"#;
/// What the example of a pair gets, so that it has a fence.
const FENCE: &str = "[pair]\nrequire = [\"management_silent\", \"business_silent\", \"reference\", \"fence\"]\nfence_command = \
                     [\"/bin/true\"]\n";
/// The example's own values, which are the defaults, and go so that the daemon's own are seen.
const GIVEN: [&str; 3] = [
    "period = \"10ms\"",
    "detect_multiplier = 5",
    "follows = \"master\"",
];

#[test]
fn every_default_that_the_table_of_keys_gives_as_a_value_is_the_daemons_own() {
    let quorum = without_given(&read("docs/examples/three-nodes.toml")) + TABLES;
    let pair = read("docs/examples/pair.toml").replace("[pair]\n", FENCE);
    let in_force = [quorum, pair].map(|text| facts(&text));
    let mut compared = 0;
    let mut of_table = String::new();
    for row in table(&read("docs/configuration.md"), "keys") {
        if !row[0].is_empty() {
            of_table.clone_from(&row[0]);
        }
        let path = format!("{of_table} {}", row[1]);
        let Some(default) = literal(&row[3]) else {
            continue;
        };
        let known = in_force.iter().find_map(|facts| value(facts, &path));
        assert_eq!(known.as_deref(), Some(&*default), "{path}");
        compared += 1;
    }
    assert!(compared > 30, "only {compared} defaults are values");
}

/// The example without the lines that say what is the default.
fn without_given(example: &str) -> String {
    let is_given = |line: &&str| GIVEN.iter().any(|given| line.starts_with(given));
    example
        .lines()
        .filter(|line| !is_given(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A default that is one value; `None` for one that is told in words.
fn literal(cell: &str) -> Option<String> {
    let words = ["", "required", "none", "never", "max_lease"];
    let quoted = cell.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let bare = quoted.unwrap_or(cell);
    let is_value = !words.contains(&bare) && (quoted.is_some() || !bare.contains(' '));
    let bytes = bare
        .strip_suffix(" MiB")
        .and_then(|mib| mib.parse::<u64>().ok());
    is_value.then(|| bytes.map_or_else(|| bare.to_owned(), |mib| format!("{} bytes", mib << 20)))
}

/// What a configuration says by each key.
fn facts(text: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("heartbeatd.toml");
    fs::write(&file, text).expect("writable");
    write_key(&folder.path().join("cluster.key"));
    let config = config::load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    serde_json::to_value(Facts::of(&config)).expect("it is data")
}

/// What the first entry of the key's table has.
fn value(facts: &Value, path: &str) -> Option<String> {
    let (_, value) = facts[path].as_object()?.iter().next()?;
    value.as_str().map(str::to_owned)
}
