//! `[hooks]`: what is read, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{GOOD, good, load_text};
use crate::config::Hooks;
use crate::config::hooks::{Address, Arguments};

/// A folder with a program in it, with this mode.
fn program(mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("hook");
    fs::write(&file, "#!/bin/sh\n").expect("writable");
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("own file");
    (folder, file)
}

fn read(file: &Path, lines: &str) -> Result<Hooks, String> {
    let lines = lines.replace("HOOK", &file.display().to_string());
    load_text(&format!("{GOOD}\n[hooks]\n{lines}")).map(|config| config.hooks.expect("written"))
}

#[test]
fn every_key_is_read_and_has_its_default() {
    assert_eq!(good().hooks, None);
    let (_folder, file) = program(0o755);
    let hooks = read(&file, "on_promote = [\"HOOK\", \"-v\"]").expect("good");
    assert_eq!(
        hooks.on_promote.map(|it| it.words[1].clone()),
        Some("-v".to_owned())
    );
    assert_eq!((hooks.on_demote, hooks.on_fault), (None, None));
    assert_eq!(hooks.timeout, Duration::from_secs(30));
    assert_eq!(hooks.retry_after, Duration::from_secs(60));
    assert_eq!(
        (hooks.address, hooks.arguments),
        (Address::Before, Arguments::None)
    );
    let all = "on_promote = [\"HOOK\"]\non_demote = [\"HOOK\"]\non_fault = [\"HOOK\"]\nuser = \"root\"\n\
               timeout = \"2s\"\naddress = \"after\"\nretry_after = \"3s\"\narguments = \"keepalived\"";
    let hooks = read(&file, all).expect("good");
    assert_eq!(
        (hooks.timeout.as_secs(), hooks.retry_after.as_secs()),
        (2, 3)
    );
    assert_eq!(
        (hooks.address, hooks.arguments),
        (Address::After, Arguments::Keepalived)
    );
    let user = hooks.on_fault.and_then(|it| it.user).map(|user| user.uid);
    assert_eq!(user, Some(0));
}

#[test]
fn what_others_could_change_or_nobody_can_run_is_refused() {
    for (mode, words) in [
        (0o775, "others could put their own program there"),
        (0o757, "others could put their own program there"),
        (0o644, "is no program that can be run"),
    ] {
        let (_folder, file) = program(mode);
        let report = read(&file, "on_demote = [\"HOOK\"]").expect_err("refused");
        assert!(report.contains(words), "{words:?} is missing in: {report}");
    }
    let (_folder, file) = program(0o755);
    for (lines, words) in [
        ("on_fault = [\"HOOK.none\"]", "No such file"),
        ("on_fault = [\"hook\"]", "a file by its whole path"),
        (
            "address = \"after\"",
            "waits for on_promote, and there is none",
        ),
        (
            "on_fault = [\"HOOK\"]\ntimeout = \"99ms\"",
            "write 100ms to 1h",
        ),
        (
            "on_fault = [\"HOOK\"]\nretry_after = \"0s\"",
            "write 1s to 24h",
        ),
        ("on_promot = [\"HOOK\"]", "did you mean `on_promote`?"),
    ] {
        let report = read(&file, lines).expect_err(lines);
        assert!(report.contains(words), "{words:?} is missing in: {report}");
    }
}
