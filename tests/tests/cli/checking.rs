//! `heartbeatd --check`: everything that is wrong, at once, each with place, cause and cure.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use heartbeat_tests::lab::profile::{self, Profile};
use tempfile::TempDir;

use crate::{Ran, is_built, run};

/// A configuration without a mistake.
pub(crate) const GOOD: &str = include_str!("good.toml");
const MANY_MISTAKES: &str = include_str!("many-mistakes.toml");
const REPORT: &str = include_str!("many-mistakes.report");

/// A folder with a configuration and its key file.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::write(folder.config(), text).expect("written");
        folder.write_key(&format!("{}\n", "5a".repeat(32)), 0o600);
        folder
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.0.path().join("heartbeatd.toml")
    }

    fn write_key(&self, text: &str, mode: u32) {
        let path = self.0.path().join("cluster.key");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("own file");
    }

    /// Checks it, and takes the folder's changing name out of what is said.
    pub(crate) fn check(&self) -> Ran {
        let config = self.config();
        let mut ran = run(
            "heartbeatd",
            &["--check", "--config", config.to_str().expect("plain")],
        );
        let folder = format!("{}/", self.0.path().display());
        ran.out = ran.out.replace(&folder, "");
        ran.err = ran.err.replace(&folder, "");
        ran
    }
}

#[test]
fn a_good_file_is_ok_in_one_sentence() {
    if !is_built("a_good_file", "heartbeatd") {
        return;
    }
    let ran = Folder::new(GOOD).check();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .starts_with("heartbeatd.toml: ok: cluster storage-a with 3 members"),
        "{ran:?}"
    );
    assert_eq!((ran.out.lines().count(), &*ran.err), (1, ""));
}

#[test]
fn every_example_in_the_docs_is_good() {
    if !is_built("every_example", "heartbeatd") {
        return;
    }
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples");
    let mut checked = 0;
    for entry in fs::read_dir(examples).expect("there are examples") {
        let path = entry.expect("readable").path();
        let ran = Folder::new(&fs::read_to_string(&path).expect("text")).check();
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.err);
        checked += 1;
    }
    assert!(checked >= 3, "{checked} examples");
}

#[test]
fn every_profile_is_good_behind_the_example_of_a_pair() {
    if !is_built("every_profile", "heartbeatd") {
        return;
    }
    let pair = include_str!("../../../docs/examples/pair.toml");
    let names = profile::names().expect("there are profiles");
    for name in &names {
        let laid_out = Profile::lay_out(name).expect("its programs can be copied");
        let part = laid_out.configuration(&[]).expect("it has a configuration");
        let lines = part.lines().map(|line| match line.split_once('=') {
            // Not every machine has the service's own user.
            Some(("user ", _)) => "user = \"nobody\"\n".to_owned(),
            _ => format!("{line}\n"),
        });
        let text = format!("{pair}\n{}", lines.collect::<String>());
        let ran = Folder::new(&text).check();
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
    }
    assert!(names.len() >= 2, "{names:?}");
}

#[test]
fn many_mistakes_are_reported_at_once_word_for_word() {
    if !is_built("many_mistakes", "heartbeatd") {
        return;
    }
    let ran = Folder::new(MANY_MISTAKES).check();
    assert_eq!((ran.code, &*ran.out), (Some(78), ""), "{ran:?}");
    let report = ran
        .err
        .strip_prefix("heartbeatd: ")
        .expect("it says who speaks");
    assert_eq!(report, REPORT, "\n{report}");
}

#[test]
fn a_key_file_that_others_may_read_or_that_is_none_exits_with_78() {
    if !is_built("a_key_file", "heartbeatd") {
        return;
    }
    let folder = Folder::new(GOOD);
    for (text, mode, cause, cure) in [
        (
            "5a".repeat(32),
            0o644,
            "mode 0644: others than its owner may use it",
            "chmod 0600",
        ),
        ("5a".repeat(32), 0o620, "mode 0620", "chmod 0600"),
        (
            "5a".repeat(31),
            0o600,
            "line 1: 62 characters",
            "heartbeatctl keygen",
        ),
        (String::new(), 0o600, "has 0 keys", "heartbeatctl keygen"),
    ] {
        folder.write_key(&text, mode);
        let ran = folder.check();
        assert_eq!(ran.code, Some(78), "{ran:?}");
        for part in [cause, cure, "heartbeatd.toml:4:12"] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
    }
}

#[test]
fn a_missing_file_exits_with_78_and_names_the_flag() {
    if !is_built("a_missing_file", "heartbeatd") {
        return;
    }
    let ran = run(
        "heartbeatd",
        &["--check", "--config", "/nonexistent/x.toml"],
    );
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains("/nonexistent/x.toml"), "{ran:?}");
    assert!(ran.err.contains("--config"), "{ran:?}");
}
