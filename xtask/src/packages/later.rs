//! The same sources as other versions: what upgrades bring.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::copied;
use crate::workspace;

/// Brings a copy of the sources in `folder` up to date, so many patch versions later; the copy's root.
///
/// # Errors
/// A file cannot be copied, or the version is not where it is expected.
pub(super) fn copied(folder: &Path, versions: u32) -> Result<PathBuf> {
    copied::bring(folder)?;
    let version = env!("CARGO_PKG_VERSION");
    let (rest, patch) = version
        .rsplit_once('.')
        .context("a version has three parts")?;
    let later = format!("{rest}.{}", patch.parse::<u32>()? + versions);
    let manifest = folder.join("Cargo.toml");
    replace(&manifest, &quoted(version), &quoted(&later))?;
    // The locks name the version of each of our own crates, after the crate's name.
    for (lock, member) in [
        ("Cargo.lock", "heartbeat"),
        ("Cargo.lock", "xtask"),
        ("heartbeat-ebpf/Cargo.lock", "heartbeat-wire"),
    ] {
        let lock = folder.join(lock);
        let locked = fs::read_to_string(&lock)?;
        let bumped = bump(&locked, member, version, &later);
        fs::write(&lock, bumped).with_context(|| format!("cannot write {}", lock.display()))?;
    }
    let objects = folder.join("target/bpf");
    fs::create_dir_all(&objects)?;
    for object in fs::read_dir(workspace::bpf_dir())? {
        let object = object?;
        fs::copy(object.path(), objects.join(object.file_name()))?;
    }
    Ok(folder.to_owned())
}

/// Gives the copy's maps another layout; nothing else of them changes.
///
/// # Errors
/// The layout is not where it is expected.
pub(super) fn lay_anew(root: &Path) -> Result<()> {
    let maps = root.join("heartbeat-wire/src/maps.rs");
    let layout = "pub const LAYOUT: u32 = ";
    replace(&maps, layout, &format!("{layout}1 + "))
}

fn quoted(version: &str) -> String {
    format!("version = \"{version}\"")
}

/// The first place only: others are of other crates.
fn replace(file: &Path, old: &str, new: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    ensure!(text.contains(old), "no `{old}` in {}", file.display());
    fs::write(file, text.replacen(old, new, 1))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The lock with another version of all crates whose names begin so.
fn bump(lock: &str, begin: &str, old: &str, new: &str) -> String {
    let mut is_ours = false;
    let lines = lock.lines().map(|line| {
        if let Some(name) = line.strip_prefix("name = ") {
            is_ours = name.trim_matches('"').starts_with(begin);
        }
        if is_ours && line == quoted(old) {
            quoted(new)
        } else {
            line.to_owned()
        }
    });
    lines.map(|line| line + "\n").collect()
}
