//! `cargo xtask build-ebpf`: the kernel programs, and first the tools that building them takes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::workspace;

/// The linker that makes a BPF object of LLVM bitcode; the version that the programs were tested with.
const LINKER: &str = "bpf-linker";
const LINKER_VERSION: &str = "0.10.3";
const TARGET: &str = "bpfel-unknown-none";
/// - debuginfo and `--btf`: without them the object has no BTF, so no maps with named fields;
/// - v3: atomics that return the old value, and 32-bit jumps;
/// - misaligned access: a field of a packet is one load, not one a byte (the verifier allows it on every machine
///   whose processor does).
const FLAGS: &[&str] = &[
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    "-Ctarget-cpu=v3",
    "-Clink-arg=--cpu-features=+allows-misaligned-mem-access",
];

/// One kernel object: its crate's folder, package and features, and the name of the object.
struct Object {
    folder: &'static str,
    package: &'static str,
    features: &'static str,
    /// More arguments for cargo.
    arguments: &'static [&'static str],
    name: &'static str,
}

/// The second one is the product's as another build makes it, for tests that replace the one by the other. The
/// third one is the lab's and may be missing from a source package.
const OBJECTS: &[Object] = &[
    Object {
        folder: "heartbeat-ebpf",
        package: "heartbeat-ebpf",
        features: "",
        arguments: &[],
        name: "heartbeat",
    },
    Object {
        folder: "heartbeat-ebpf",
        package: "heartbeat-ebpf",
        features: "",
        arguments: &["--config", "profile.release.opt-level=2"],
        name: "heartbeat-other",
    },
    Object {
        folder: "tests/ebpf",
        package: "heartbeat-lab-ebpf",
        features: "",
        arguments: &[],
        name: "heartbeat-lab",
    },
];

/// The product's code once more, with entries by which single frames are measured: built only for that.
const BENCH: Object = Object {
    folder: "heartbeat-ebpf",
    package: "heartbeat-ebpf",
    features: "bench",
    arguments: &[],
    name: "heartbeat-bench",
};

/// Options of `cargo xtask build-ebpf`.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Install nothing: fail if a tool is missing
    #[arg(long)]
    no_install: bool,
}

/// Builds every kernel object into `target/bpf`.
///
/// # Errors
/// A tool is missing and cannot be installed, or the build fails; the message names the cure.
pub(crate) fn run(options: &Options) -> Result<()> {
    need_source(options)?;
    need_linker(options)?;
    std::fs::create_dir_all(workspace::bpf_dir()).context("cannot make target/bpf")?;
    for object in OBJECTS {
        if workspace::root()
            .join(object.folder)
            .join("Cargo.toml")
            .exists()
        {
            build(object)?;
        }
    }
    Ok(())
}

/// Builds the object that `cargo xtask bench datapath` measures, beside what [`run`] built.
///
/// # Errors
/// The build fails.
pub(crate) fn run_for_bench() -> Result<()> {
    build(&BENCH)
}

/// The standard library's source, of which `core` is built for the kernel.
fn need_source(options: &Options) -> Result<()> {
    let sysroot = workspace::output(Command::new("rustc").args(["--print", "sysroot"]))
        .context("cannot run `rustc`: install Rust by rustup")?;
    let core = Path::new(&sysroot).join("lib/rustlib/src/rust/library/core/Cargo.toml");
    if core.exists() {
        return Ok(());
    }
    if options.no_install {
        bail!("the source of Rust's core library is missing: run `rustup component add rust-src`");
    }
    println!("build-ebpf: installing rust-src into the pinned toolchain (once, by rustup)");
    workspace::run(
        Command::new("rustup")
            .args(["component", "add", "rust-src"])
            .current_dir(workspace::root()),
        "install Rust by rustup, or put the source of Rust's core library into its sysroot",
    )
}

fn need_linker(options: &Options) -> Result<()> {
    let wanted = format!("{LINKER} {LINKER_VERSION}");
    let found = workspace::output(Command::new(LINKER).arg("--version"));
    if found.as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    let found = found.as_deref().unwrap_or("none");
    if options.no_install {
        bail!(
            "{wanted} is needed, found {found}: run `cargo install {LINKER} --version {LINKER_VERSION} --locked`"
        );
    }
    println!("build-ebpf: installing {wanted} by cargo (once, about a minute; found: {found})");
    workspace::run(
        workspace::cargo().args([
            "install",
            LINKER,
            "--version",
            LINKER_VERSION,
            "--locked",
            "--force",
        ]),
        "it needs a C compiler (Debian, Ubuntu: `apt-get install build-essential`) and the network",
    )?;
    if workspace::output(Command::new(LINKER).arg("--version")).as_deref() != Some(wanted.as_str())
    {
        bail!("{wanted} was installed but is not what runs: put cargo's bin folder first in PATH");
    }
    Ok(())
}

fn build(object: &Object) -> Result<()> {
    let target_dir = workspace::root().join("target/ebpf");
    println!(
        "build-ebpf: {} -> target/bpf/{}",
        object.folder, object.name
    );
    workspace::run(
        workspace::cargo()
            // From inside the crate, so that its own lock and the pinned toolchain are found.
            .current_dir(workspace::root().join(object.folder))
            .args(["build", "--release", "--locked", "-Zbuild-std=core"])
            .args(["--target", TARGET, "--package", object.package])
            .args(["--features", object.features])
            .args(object.arguments)
            .arg("--target-dir")
            .arg(&target_dir)
            // The BPF target needs unstable features of the pinned stable compiler.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
            .env_remove("RUSTFLAGS"),
        "see the compiler's message above",
    )?;
    let built = target_dir.join(TARGET).join("release").join(object.package);
    install(&built, object.name)
}

/// Copies the object only when it differs, so that an unchanged one rebuilds nothing.
fn install(built: &Path, name: &str) -> Result<()> {
    let place = workspace::bpf_dir().join(name);
    let bytes = std::fs::read(built).with_context(|| format!("cannot read {}", built.display()))?;
    if std::fs::read(&place).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::write(&place, bytes).with_context(|| format!("cannot write {}", place.display()))
}
