//! The unit says what the programs do, and takes away what the decision promises.

use std::process::Command;

use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::cli::{DEFAULT_CONFIG, DEFAULT_CONTROL, DEFAULT_STATE, Exit};

use crate::{read, root};

const UNIT: &str = "packaging/systemd/heartbeatd.service";
/// What `systemd-analyze security` may say at most.
const MOST_EXPOSED: f64 = 2.9;

fn value(unit: &str, key: &str) -> String {
    let lines = unit.lines();
    let found: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect();
    assert_eq!(found.len(), 1, "{key} in {UNIT}");
    found[0].to_owned()
}

#[test]
fn what_does_not_get_better_by_itself_is_not_tried_again() {
    let told = value(&read(UNIT), "RestartPreventExitStatus");
    let hopeless = [Exit::Usage, Exit::Permission, Exit::Config];
    let expected: Vec<String> = hopeless.map(|exit| (exit as u8).to_string()).to_vec();
    assert_eq!(told, expected.join(" "));
}

#[test]
fn its_folders_are_where_the_programs_look_for_them() {
    let unit = read(UNIT);
    for (key, place, path) in [
        ("RuntimeDirectory", "/run/", DEFAULT_CONTROL),
        ("StateDirectory", "/var/lib/", DEFAULT_STATE),
        ("ConfigurationDirectory", "/etc/", DEFAULT_CONFIG),
    ] {
        let folder = format!("{place}{}", value(&unit, key));
        assert!(
            path.starts_with(&folder),
            "{key} is {folder}, and not that of {path}"
        );
    }
}

#[test]
fn systemd_finds_it_as_little_exposed_as_was_promised() {
    let needs = [Need::Tool("systemd-analyze", "systemd")];
    if lacks("systemd_finds_it", &needs) {
        return;
    }
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(root().join(UNIT))
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    let exposed = said
        .lines()
        .find_map(|line| line.split_once("Overall exposure level for heartbeatd.service: "))
        .and_then(|(_, level)| level.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_else(|| panic!("no level in: {said}"));
    assert!(exposed <= MOST_EXPOSED, "{exposed}: {said}");
}
