//! The stand-in of the program `hdfs`.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::{RPC_PORT, ask, host};

/// `hdfs haadmin CALL NAME` and `hdfs --daemon start namenode`, on the node with that folder.
///
/// # Errors
/// When the NameNode cannot be asked, or refuses.
pub fn run(folder: &Path, words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["haadmin", call, name] | ["haadmin", call, "--forceactive", name] => admin(call, name),
        ["--daemon", "start", "namenode"] => start(folder),
        _ => bail!("the stand-in of hdfs knows nothing of {words:?}"),
    }
}

fn admin(call: &str, name: &str) -> Result<()> {
    let slot = name.strip_prefix("nn").context("names are nn1, nn2")?;
    let answer = ask(host(slot.parse()?), RPC_PORT, call)?;
    ensure!(!answer.is_empty(), "{name} broke off");
    ensure!(!answer.starts_with("failed"), "{name}: {answer}");
    println!("{answer}");
    Ok(())
}

fn start(folder: &Path) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("namenode")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // It outlives whoever starts it.
        .process_group(0);
    command.spawn().context("it cannot be started").map(drop)
}
