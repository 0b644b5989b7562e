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

/// The files of a package for Fedora.
fn files_of_fedora(package: &Path) -> Vec<String> {
    let output = Command::new("rpm")
        .args(["--query", "--list", "--package"])
        .arg(package)
        .output()
        .expect("rpm runs");
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8_lossy(&output.stdout);
    listed.lines().map(str::to_owned).collect()
}

/// What each of the two wants in a place of its own, or alone has.
const APART: [&str; 6] = [
    "/usr/share/doc/heartbeatd/changelog.Debian",
    "/usr/share/doc/heartbeatd/copyright",
    "/usr/share/licenses/",
    "/usr/share/lintian/",
    "/usr/share/zsh/site-functions/",
    "/usr/share/zsh/vendor-completions/",
];

/// What has to be the same in both; only one of them packs long texts.
fn common(files: Vec<String>) -> Vec<String> {
    let mut common: Vec<String> = files
        .into_iter()
        .filter(|file| !APART.iter().any(|place| file.starts_with(place)))
        .map(|file| file.trim_end_matches(".gz").to_owned())
        .collect();
    common.sort_unstable();
    common
}

#[test]
fn both_packages_have_the_same_files() {
    let Some(packages) = packages("both_packages_have_the_same_files") else {
        return;
    };
    let [debian, _] = packages.versions().expect("two versions");
    let debian = common(files_of(&debian));
    assert!(debian.len() > 50, "{debian:#?}");
    let fedora = packages.fedora().expect("it was made");
    assert_eq!(common(files_of_fedora(&fedora)), debian);
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
        "/usr/share/heartbeatd/grafana/heartbeatd.json",
        "/usr/share/heartbeatd/profiles/postgresql/promote",
        "/usr/share/heartbeatd/prometheus/heartbeatd.rules.yml",
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
