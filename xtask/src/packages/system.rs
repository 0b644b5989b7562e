//! A small Debian system, from where this machine's own packages come.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace;

/// What the tests use, beyond what every Debian system has.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,iproute2,bpftool,init-system-helpers";

/// Makes it in `tree`, unless it is there.
///
/// # Errors
/// This is no Debian machine, or its packages cannot be had.
pub(super) fn make(tree: &Path) -> Result<()> {
    if tree.is_dir() {
        return Ok(());
    }
    let (site, release) = source()?;
    let half = tree.with_extension("half");
    if half.exists() {
        fs::remove_dir_all(&half).with_context(|| format!("cannot empty {}", half.display()))?;
    }
    println!("making a system of {release} (once, about two minutes)");
    let mut make = Command::new("debootstrap");
    make.args(["--variant=minbase", "--include", PACKAGES, &release])
        .arg(&half)
        .arg(site);
    workspace::run(&mut make, "debootstrap must reach Debian's packages")?;
    // What forbade the packages to start anything while they were unpacked here.
    let policy = half.join("usr/sbin/policy-rc.d");
    if policy.exists() {
        fs::remove_file(&policy).with_context(|| format!("cannot remove {}", policy.display()))?;
    }
    fs::rename(&half, tree).with_context(|| format!("cannot rename {}", half.display()))
}

/// Where this machine's packages come from, and of which release they are.
fn source() -> Result<(String, String)> {
    let listed = workspace::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(SITE) $(RELEASE)",
        "Created-By: Packages",
        "Component: main",
    ]))
    .context("cannot ask apt-get where packages come from: this needs a Debian machine")?;
    let first = listed.lines().next().and_then(|line| line.split_once(' '));
    let (site, release) = first.context("apt knows no packages: run `apt-get update`")?;
    Ok((site.to_owned(), release.to_owned()))
}
