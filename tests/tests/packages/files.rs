//! What is in the package itself.

use std::path::Path;
use std::process::Command;

use crate::packages;

/// The files of a package, by their paths; folders left out.
fn files_of(package: &Path) -> Vec<String> {
    let output = Command::new("dpkg-deb")
        .arg("--contents")
        .arg(package)
        .output()
        .expect("dpkg-deb runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| !line.starts_with('d'))
        .filter_map(|line| {
            Some(
                line.split_whitespace()
                    .nth(5)?
                    .trim_start_matches('.')
                    .to_owned(),
            )
        })
        .collect()
}

#[test]
fn the_package_has_what_a_package_of_a_daemon_has_and_nothing_for_one_who_builds_it() {
    let Some(packages) = packages("the_package_has") else {
        return;
    };
    let [now, _] = packages.versions().expect("two versions");
    let files = files_of(&now);
    for wanted in [
        "/etc/heartbeatd/heartbeatd.toml",
        "/usr/bin/heartbeatctl",
        "/usr/sbin/heartbeatd",
        "/usr/lib/systemd/system/heartbeatd.service",
        "/usr/lib/sysusers.d/heartbeatd.conf",
        "/usr/lib/tmpfiles.d/heartbeatd.conf",
        "/usr/share/bash-completion/completions/heartbeatctl",
        "/usr/share/doc/heartbeatd/changelog.Debian.gz",
        "/usr/share/doc/heartbeatd/changelog.gz",
        "/usr/share/doc/heartbeatd/copyright",
        "/usr/share/doc/heartbeatd/docs/examples/pair.toml",
        "/usr/share/fish/vendor_completions.d/heartbeatctl.fish",
        "/usr/share/heartbeatd/profiles/postgresql/promote",
        "/usr/share/man/man5/heartbeatd.toml.5.gz",
        "/usr/share/man/man7/heartbeatd-maps.7.gz",
        "/usr/share/man/man8/heartbeatctl.8.gz",
        "/usr/share/man/man8/heartbeatd.8.gz",
        "/usr/share/zsh/vendor-completions/_heartbeatctl",
    ] {
        assert!(
            files.iter().any(|file| file == wanted),
            "no {wanted} in {files:#?}"
        );
    }
    let strange = files
        .iter()
        .find(|file| file.contains(".rest.") || file.contains("/target/"));
    assert_eq!(strange, None);
}
