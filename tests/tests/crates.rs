//! Which crate may use which: the election stays free of clocks, sockets and files because it cannot
//! name them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What a crate's library may depend on; development dependencies are free.
const EDGES: &[(&str, &[&str])] = &[
    ("heartbeat-wire", &["aya", "serde"]),
    ("heartbeat-core", &["heartbeat-wire", "serde"]),
    (
        "heartbeat-store",
        &["heartbeat-core", "bytes", "serde", "thiserror"],
    ),
    (
        "heartbeat-store-proof",
        &["heartbeat-core", "heartbeat-store", "bytes"],
    ),
    (
        "heartbeat-kernel-twin",
        &["heartbeat-core", "heartbeat-wire"],
    ),
    (
        "heartbeat-search",
        &["heartbeat-core", "heartbeat-kernel-twin", "heartbeat-wire"],
    ),
    (
        "heartbeat-sim",
        &["heartbeat-core", "heartbeat-kernel-twin", "heartbeat-wire"],
    ),
];

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let entry = |package: &serde_json::Value| {
        let name = package["name"].as_str().expect("a name").to_owned();
        let all = package["dependencies"]
            .as_array()
            .expect("a list of dependencies");
        let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
        let names =
            normal.map(|dependency| dependency["name"].as_str().expect("a name").to_owned());
        (name, names.collect())
    };
    packages.iter().map(entry).collect()
}

#[test]
fn each_crate_uses_only_what_its_place_allows() {
    let dependencies = normal_dependencies();
    for (name, allowed) in EDGES {
        let used = dependencies
            .get(*name)
            .unwrap_or_else(|| panic!("no crate {name}"));
        let allowed: BTreeSet<String> = allowed.iter().map(ToString::to_string).collect();
        let forbidden: Vec<_> = used.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name} must not use {forbidden:?}");
    }
}

#[test]
fn build_commands_do_not_contain_the_product() {
    let dependencies = normal_dependencies();
    let used = &dependencies["xtask"];
    for runtime in ["heartbeat-user", "heartbeat-core", "tokio", "aya"] {
        assert!(!used.contains(runtime), "xtask must not use {runtime}");
    }
}

#[test]
fn the_kernel_program_contains_no_election() {
    let manifest = include_str!("../../heartbeat-ebpf/Cargo.toml");
    assert!(
        manifest.contains("heartbeat-wire"),
        "the manifest read is the kernel program's"
    );
    assert!(
        !manifest.contains("heartbeat-core"),
        "elections never run in the kernel"
    );
}
