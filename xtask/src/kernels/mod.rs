//! `cargo xtask test --kernels`: the product on Debian's other kernels, in emulated machines.
//!
//! The tests themselves are those of tests/tests/kernels; here is what their guests start from.

mod image;
mod packages;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::build_ebpf;
use crate::lab;
use crate::tally::Tally;
use crate::test::REQUIRE_VARIABLE;
use crate::workspace;

/// What the tests go by (tests/src/guest, tests/tests/kernels/suite.rs).
const KERNEL_VARIABLE: &str = "HEARTBEAT_GUEST_KERNEL";
const IMAGE_VARIABLE: &str = "HEARTBEAT_GUEST_IMAGE";
/// The project's tests that run inside guests too.
const INSIDE: [&str; 1] = ["packet"];

/// Fetches, packs and tests each kernel, also after one failed.
///
/// # Errors
/// Something is missing, or a test failed.
pub(crate) fn run() -> Result<()> {
    lab::need_rights()?;
    println!("== tools, kernel programs and tests");
    lab::need_tools_for_guests()?;
    build_ebpf::run(&build_ebpf::Options::default())?;
    let programs = programs()?;
    let inside = INSIDE.iter().map(|name| Ok((*name, test_program(name)?)));
    let inside: Vec<(&str, PathBuf)> = inside.collect::<Result<_>>()?;
    let own: Vec<PathBuf> = programs
        .into_iter()
        .chain(inside.iter().map(|(_, path)| path.clone()))
        .collect();
    let folder = lab::target_dir().join("kernels");
    let mut tally = Tally::default();
    for series in &packages::SERIES {
        println!("\n== Linux {}: package and image", series.linux);
        let begun = Instant::now();
        let kernel = packages::fetch(series, &folder)?;
        let archive = image::pack(&kernel, &own, &folder)?;
        println!(
            "kernel {}, package version {}, ready after {:.0?}",
            kernel.release,
            kernel.version,
            begun.elapsed()
        );
        let begun = Instant::now();
        let mut command = workspace::cargo();
        command
            .args(["test", "-p", "heartbeat-tests", "--locked"])
            .args(["--test", "kernels", "--", "--test-threads=1"])
            .current_dir(workspace::root())
            .env(REQUIRE_VARIABLE, "1")
            .env(KERNEL_VARIABLE, kernel.image())
            .env(IMAGE_VARIABLE, archive);
        for (name, path) in &inside {
            command.env(format!("HEARTBEAT_GUEST_{}", name.to_uppercase()), path);
        }
        let step = format!("Linux {}", kernel.release);
        println!("\n== {step}");
        tally.step(&step, &mut command)?;
        println!("{step} took {:.0?}", begun.elapsed());
    }
    tally.sum_up(true)
}

/// Builds the daemon and the lab's programs; they and the kernel objects go into the guests.
fn programs() -> Result<Vec<PathBuf>> {
    let mut build = workspace::cargo();
    build
        .args(["build", "--locked", "--bins"])
        .args(["-p", "heartbeat-user", "-p", "heartbeat-tests"])
        .current_dir(workspace::root());
    workspace::run(&mut build, "see the compiler's message above")?;
    let built = lab::target_dir().join("debug");
    let programs = ["heartbeatd", "heartbeatctl", "lab-tool"].map(|name| built.join(name));
    let objects = ["heartbeat", "heartbeat-other", "heartbeat-lab"];
    let objects = objects.map(|name| workspace::bpf_dir().join(name));
    Ok(programs.into_iter().chain(objects).collect())
}

/// Builds the tests of that name; the path of their program.
fn test_program(name: &str) -> Result<PathBuf> {
    let mut build = workspace::cargo();
    build
        .args(["test", "--no-run", "--locked", "-p", "heartbeat-tests"])
        .args([
            "--test",
            name,
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(workspace::root())
        .stderr(Stdio::inherit());
    let messages = workspace::output(&mut build)
        .with_context(|| format!("the tests of {name} do not build"))?;
    let program = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == *name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    match program {
        Some(program) => Ok(program),
        None => bail!("cargo names no program of the tests of {name}"),
    }
}
