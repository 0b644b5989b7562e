//! `cargo xtask man`: writes manual pages and shell completions anew from the command lines' types, the docs and the code.

use anyhow::Result;

use crate::workspace;

/// Writes what stands in packaging/man and packaging/completions.
///
/// # Errors
/// The command lines do not compile, or the files cannot be written.
pub(crate) fn run() -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args([
            "test",
            "--locked",
            "-p",
            "heartbeat-tests",
            "--test",
            "docs",
            "generated::",
        ])
        .env("HEARTBEAT_BLESS", "1")
        .current_dir(workspace::root());
    workspace::run(&mut command, "the lines above name what is wrong")
}
