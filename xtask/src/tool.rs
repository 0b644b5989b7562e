//! Programs that cargo installs: each in the one version that it was tried with.

use anyhow::{Result, bail};

use crate::workspace;

/// Installs cargo's tool `cargo-{name}` unless its `version` is there, and says so; `cure` is what to do where that fails.
///
/// # Errors
/// It cannot be installed, or is not found when it is.
pub(crate) fn need(name: &str, version: &str, cure: &str) -> Result<()> {
    let tool = &format!("cargo-{name}");
    let wanted = format!("{tool} {version}");
    if found(name).as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    println!("installing {wanted} by cargo (once, some minutes)");
    workspace::run(
        workspace::cargo().args(["install", tool, "--version", version, "--locked", "--force"]),
        cure,
    )?;
    if found(name).is_none() {
        bail!("{tool} was installed and is not found: put cargo's folder of programs into PATH");
    }
    Ok(())
}

/// Which version cargo finds.
fn found(name: &str) -> Option<String> {
    workspace::output(workspace::cargo().args([name, "--version"]))
}
