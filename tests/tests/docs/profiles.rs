//! The profiles: all are listed, and their programs are written as they should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use heartbeat_tests::lab::profile;
use heartbeat_tests::skip::{self, Need};

use crate::{read, root, table};

#[test]
fn the_page_of_profiles_lists_each_with_a_scenario_that_there_is() {
    let rows = table(&read("docs/profiles.md"), "profiles");
    let link = |row: &[String]| {
        let name = row[0].trim_start_matches('[').split(']').next();
        name.unwrap_or_default().to_owned()
    };
    let listed: Vec<String> = rows.iter().map(|row| link(row)).collect();
    assert_eq!(listed, profile::names().expect("there are profiles"));
    for row in rows {
        let (_, scenario) = row[3].split_once("scenarios/").expect("it names one");
        let file = scenario.trim_end_matches(')');
        assert!(
            root().join("tests/tests/scenarios").join(file).exists(),
            "{file}"
        );
    }
}

#[test]
fn every_program_of_a_profile_is_a_shell_script_that_stops_at_its_first_error() {
    let programs = programs();
    for program in &programs {
        let text = fs::read_to_string(program).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#!/bin/sh", "{}", program.display());
        assert!(lines.contains(&"set -eu"), "{}", program.display());
    }
    assert!(programs.len() >= 5, "{programs:?}");
}

#[test]
fn shellcheck_finds_nothing() {
    if skip::lacks(
        "shellcheck_finds_nothing",
        &[Need::Tool("shellcheck", "shellcheck")],
    ) {
        return;
    }
    // SC1090: the settings' file is an argument.
    let output = Command::new("shellcheck")
        .args(["--exclude", "SC1090"])
        .args(programs())
        .output()
        .expect("it runs");
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}");
}

/// What is in a profile's folder and has no ending.
fn programs() -> Vec<PathBuf> {
    let names = profile::names().expect("there are profiles");
    let folders = names
        .iter()
        .map(|name| root().join("packaging/profiles").join(name));
    let files = folders.flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    files
        .map(|file| file.expect("readable").path())
        .filter(|path| Path::new(path).extension().is_none())
        .collect()
}
