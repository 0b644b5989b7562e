//! Short commands that set networks up, with errors that say what was tried.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// When the program is missing or fails; the error holds the command and what it complained of.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    run_with_input(program, arguments, "")
}

/// Runs `ip -batch` with these lines in the namespace of that name: one process for a whole set-up.
///
/// # Errors
/// As [`run`]; iproute2 names the line that failed.
pub fn ip_batch(namespace: &str, lines: &[String]) -> Result<()> {
    let input = lines.join("\n") + "\n";
    run_with_input("ip", &["-netns", namespace, "-batch", "-"], &input)
        .with_context(|| format!("lines of the batch:\n{input}"))
        .map(drop)
}

fn run_with_input(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`; is it installed?", shown()))?;
    let mut pipe = child.stdin.take().context("the pipe was just made")?;
    // A program that ends without reading its input breaks the pipe; its exit code says more.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({}): {}",
            shown(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
