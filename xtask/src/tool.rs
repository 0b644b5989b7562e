//! Programs that cargo installs: each in the one version that it was tried with.

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace;

/// Installs `tool` unless its `version` is there, and says so; `cure` is what to do where that fails.
///
/// # Errors
/// It cannot be installed, or is not found when it is.
pub(crate) fn need(tool: &str, version: &str, cure: &str) -> Result<()> {
    let wanted = format!("{tool} {version}");
    if found(tool).as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    println!("installing {wanted} by cargo (once, some minutes)");
    workspace::run(
        workspace::cargo().args(["install", tool, "--version", version, "--locked", "--force"]),
        cure,
    )?;
    if found(tool).is_none() {
        bail!("{tool} was installed and is not found: put cargo's folder of programs into PATH");
    }
    Ok(())
}

/// What the tool says it is. Cargo's own tools answer when called by their subcommand's name.
fn found(tool: &str) -> Option<String> {
    workspace::output(Command::new(tool).arg("--version"))
}
