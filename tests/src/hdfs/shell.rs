//! The stand-in of ssh and sshd: a command is run on another machine, if the network carries it there.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{SHELL_PORT, ask, asked};

/// It ends with the lab, whose folders go away.
const LOOK: Duration = Duration::from_millis(200);
/// What ssh itself fails with (ssh(1)).
const FAILED: i32 = 255;

/// Runs what it is sent until `folder` is gone.
///
/// # Errors
/// When the port is taken.
pub fn serve(folder: &Path) -> Result<()> {
    let listener =
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, SHELL_PORT)).context("the port is taken")?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away meanwhile needs no answer.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    while folder.exists() {
        sleep(LOOK);
    }
    Ok(())
}

/// The exit code, and then what the command wrote.
fn answer(mut stream: TcpStream) -> Result<()> {
    let line = asked(&stream)?;
    let output = Command::new("/bin/sh").args(["-c", &line]).output()?;
    let code = output.status.code().unwrap_or(FAILED);
    write!(
        stream,
        "{code}\n{}",
        String::from_utf8_lossy(&output.stdout)
    )?;
    Ok(())
}

/// `ssh OPTIONS USER@HOST COMMAND`; the command's exit code, and ssh's own where it could not be run.
#[must_use]
pub fn ask_for(words: &[String]) -> i32 {
    match sent(words) {
        Ok((code, text)) => {
            print!("{text}");
            code
        }
        Err(error) => {
            eprintln!("ssh: {error:#}");
            FAILED
        }
    }
}

fn sent(words: &[String]) -> Result<(i32, String)> {
    let [.., whom, command] = words else {
        anyhow::bail!("no command in {words:?}");
    };
    let (_, host) = whom.split_once('@').context("USER@HOST")?;
    let answer = ask(host.parse()?, SHELL_PORT, command)?;
    let (code, text) = answer.split_once('\n').context("it broke off")?;
    Ok((code.parse()?, text.to_owned()))
}
