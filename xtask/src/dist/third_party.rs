//! Whose code is linked into the programs, by which licence: their texts travel with the packages, as most ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::workspace;

/// Manifests of what is linked: the programs, and the kernel object within them.
const LINKED: [&str; 2] = ["heartbeat-user", "heartbeat-ebpf"];
/// How the name of a file begins that says who may copy it.
const BEGINNINGS: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];
/// What stands above the list.
const HEAD: &str = "\
heartbeatd's programs contain code of others: the crates listed here, and Rust's standard library (MIT OR
Apache-2.0, https://www.rust-lang.org). heartbeatd uses what is under a choice of licences under the ones that are
compatible with its own. Below the list stand the texts that came with the crates, each once.
";

/// What of `cargo metadata` is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    license_file: Option<String>,
    /// Null for what lies in this repository.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    root: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Null for what is linked, or `build` or `dev`.
    kind: Option<String>,
}

/// The list, and the texts.
///
/// # Errors
/// Cargo does not answer, a text cannot be read, or a crate says no licence.
pub(super) fn text(root: &Path) -> Result<String> {
    let mut list = BTreeSet::new();
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    for package in LINKED {
        for linked in linked_into(&root.join(package).join("Cargo.toml"))? {
            let title = format!("{} {}", linked.name, linked.version);
            let licence = linked.license.as_deref().or(linked.license_file.as_deref());
            let licence = licence.with_context(|| format!("{title} says no licence"))?;
            list.insert(format!("{title}: {licence}"));
            for text in texts_of(&linked)? {
                texts.entry(text).or_default().insert(title.clone());
            }
        }
    }
    ensure!(!list.is_empty(), "nothing is linked: that cannot be");
    let mut whole = HEAD.to_owned();
    for line in list {
        whole += &format!("\n{line}");
    }
    for (text, crates) in texts {
        let crates: Vec<_> = crates.into_iter().collect();
        whole += &format!("\n\n\n==== {}\n\n{}", crates.join(", "), text.trim_end());
    }
    whole.push('\n');
    Ok(whole)
}

/// The crates of others that are linked into that package, however far down.
fn linked_into(manifest: &Path) -> Result<Vec<Package>> {
    let mut ask = workspace::cargo();
    ask.args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", &host()?])
        .arg("--manifest-path")
        .arg(manifest);
    let answer = workspace::output(&mut ask)
        .with_context(|| format!("`cargo metadata` fails for {}", manifest.display()))?;
    let Metadata { packages, resolve } = serde_json::from_str(&answer)?;
    let nodes: BTreeMap<&str, &Node> = resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    let is_macro = |id: &str| {
        let package = packages.iter().find(|package| package.id == id);
        package.is_some_and(|package| {
            let mut targets = package.targets.iter();
            targets.any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
        })
    };
    let mut linked = BTreeSet::new();
    let mut open = vec![resolve.root.as_str()];
    while let Some(id) = open.pop() {
        if !linked.insert(id.to_owned()) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("no node {id}"))?;
        let is_linked = |kind: &Kind| kind.kind.is_none();
        open.extend(
            node.deps
                .iter()
                .filter(|next| next.dep_kinds.iter().any(is_linked) && !is_macro(&next.pkg))
                .map(|next| next.pkg.as_str()),
        );
    }
    let is_others = |package: &Package| linked.contains(&package.id) && package.source.is_some();
    Ok(packages.into_iter().filter(is_others).collect())
}

/// The platform that the programs are built for, as rustc calls it.
fn host() -> Result<String> {
    let about = workspace::output(Command::new("rustc").arg("-vV")).context("no rustc answers")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

/// What the crate's folder holds about licences, sorted by name.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().context("it has a folder")?;
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file() && is_about_licences(path))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
    };
    files.iter().map(read).collect()
}

fn is_about_licences(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    BEGINNINGS
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_listed_with_its_texts_and_what_only_builds_or_tests_is_not() {
        let text = text(workspace::root()).expect("cargo answers");
        let (list, texts) = text
            .split_once("\n====")
            .expect("texts come after the list");
        for linked in ["\naya ", "\nredb ", "\nring ", "\naya-ebpf ", "\nlibc "] {
            assert!(list.contains(linked), "{linked} in {list}");
        }
        // A macro, what tests use, a build script's, and our own.
        for other in [
            "\nserde_derive ",
            "\nproptest ",
            "\ncc ",
            "\nheartbeat-core ",
        ] {
            assert!(!list.contains(other), "{other} in {list}");
        }
        assert!(texts.contains("Permission is hereby granted"), "MIT's");
        assert!(
            texts.contains("http://www.apache.org/licenses/"),
            "Apache's"
        );
    }
}
