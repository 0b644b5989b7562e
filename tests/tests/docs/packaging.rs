//! What packages run, and what they say of themselves.

use std::process::Command;

use heartbeat_tests::skip::{Need, lacks};

use crate::{read, root};

/// What is run at installation, upgrade and removal. Those of the .rpm are handed to a shell without a first line.
const SCRIPTS: [&str; 8] = [
    "packaging/scripts/upgraded",
    "packaging/scripts/removed",
    "packaging/debian/postinst",
    "packaging/debian/prerm",
    "packaging/debian/postrm",
    "packaging/rpm/post",
    "packaging/rpm/preun",
    "packaging/rpm/postun",
];

#[test]
fn shellcheck_finds_nothing_in_what_packages_run() {
    let needs = [Need::Tool("shellcheck", "shellcheck")];
    if lacks("shellcheck_finds_nothing_in_what_packages_run", &needs) {
        return;
    }
    let output = Command::new("shellcheck")
        .arg("--shell=sh")
        .args(SCRIPTS.map(|script| root().join(script)))
        .output()
        .expect("it can be started");
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}");
}

#[test]
fn debians_changelog_begins_with_the_version_at_hand() {
    let begin = format!("heartbeatd ({}-1) ", env!("CARGO_PKG_VERSION"));
    let changelog = read("packaging/debian/changelog");
    assert!(changelog.starts_with(&begin), "no {begin}: {changelog}");
}
