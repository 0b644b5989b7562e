//! Where things are, and running other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
}

/// Where the kernel objects are put and `heartbeat-user/build.rs` looks for them.
///
/// Always under the workspace, whatever `CARGO_TARGET_DIR` says, so that both agree.
pub(crate) fn bpf_dir() -> PathBuf {
    root().join("target/bpf")
}

/// Cargo, as the one that runs us, but without what that told us of our own package: build scripts look at these names, so
/// what a plain `cargo build` built would be built again.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs `command` with its output on our terminal.
///
/// # Errors
/// It cannot be started, or ends with another code than 0; `cure` stands in the message.
pub(crate) fn run(command: &mut Command, cure: &str) -> Result<()> {
    let shown = shown(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`: {cure}"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status}): {cure}");
    }
    Ok(())
}

/// What `command` prints, or `None` if it cannot be started or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
