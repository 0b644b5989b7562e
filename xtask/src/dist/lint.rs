//! lintian and rpmlint, whose every finding is an error: what stays stands with its reason in packaging/lintian and in
//! packaging/rpm/rpmlint.toml.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::workspace;

/// Has the checker of each kind look at the packages of it.
///
/// # Errors
/// It found something.
pub(super) fn run(root: &Path, packages: &[PathBuf]) -> Result<()> {
    for package in packages {
        let mut check = if package.extension().is_some_and(|end| end == "deb") {
            lintian()
        } else {
            rpmlint(root)
        };
        workspace::run(
            check.arg(package),
            "mend it, or say in packaging/ why it stays",
        )?;
    }
    Ok(())
}

fn lintian() -> Command {
    let mut lintian = Command::new("lintian");
    lintian.args([
        "--allow-root",
        "--tag-display-limit=0",
        "--fail-on=error,warning,info,pedantic",
    ]);
    lintian.args(["--display-info", "--pedantic"]);
    lintian
}

fn rpmlint(root: &Path) -> Command {
    let mut rpmlint = Command::new("rpmlint");
    rpmlint
        .arg("--strict")
        .arg("--config")
        .arg(root.join("packaging/rpm/rpmlint.toml"));
    rpmlint
}
