//! Where the programs and objects of this build are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folder to take the product's programs from, instead of the one beside the running program.
pub const PROGRAMS_VARIABLE: &str = "HEARTBEAT_BIN_DIR";
/// File to take the lab's own BPF object from, instead of target/bpf.
pub const OBJECT_VARIABLE: &str = "HEARTBEAT_LAB_OBJECT";
/// Where `cargo xtask build-ebpf` leaves the lab's BPF object: under the workspace, whatever
/// CARGO_TARGET_DIR says.
pub const OBJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/heartbeat-lab");
/// Where `cargo xtask bench datapath` leaves its own.
const BENCH_OBJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/heartbeat-bench");

/// The program of that name: in [`PROGRAMS_VARIABLE`], or in the build folder of the running one.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = match env::var_os(PROGRAMS_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => own_folder()?,
    };
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "no program {name} in {}; build it with `cargo build --workspace`, or name its folder in {PROGRAMS_VARIABLE}",
            folder.display()
        );
    }
    Ok(path)
}

/// The lab's BPF object (faulty wires).
///
/// # Errors
/// When it was not built.
pub fn lab_object() -> Result<PathBuf> {
    let path = env::var_os(OBJECT_VARIABLE).map_or_else(|| PathBuf::from(OBJECT), PathBuf::from);
    if !path.is_file() {
        bail!(
            "no BPF object of the lab at {}; build it with `cargo xtask build-ebpf`, or name it in {OBJECT_VARIABLE}",
            path.display()
        );
    }
    Ok(path)
}

/// The BPF object with the benchmark's entries.
///
/// # Errors
/// When it was not built.
pub fn bench_object() -> Result<PathBuf> {
    let path = PathBuf::from(BENCH_OBJECT);
    if !path.is_file() {
        bail!(
            "no BPF object of the benchmark at {}; `cargo xtask bench datapath` builds it",
            path.display()
        );
    }
    Ok(path)
}

/// The folder that cargo builds into: above `target/release/x` and `target/debug/deps/x`.
///
/// # Errors
/// When the running program does not lie in one.
pub fn target_folder() -> Result<PathBuf> {
    let folder = own_folder()?;
    folder
        .parent()
        .map(Path::to_owned)
        .with_context(|| format!("{} is not inside a target folder", folder.display()))
}

/// The running program's folder; for a test, which lies in `deps`, the one above it.
fn own_folder() -> Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where the running program is")?;
    let folder = own.parent().context("a program lies in a folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().context("deps lies in a folder")?
    } else {
        folder
    };
    Ok(folder.to_owned())
}
