//! A stand-in for HDFS, which no package of Debian has: NameNodes that answer as real ones where the profile asks them.
//!
//! A NameNode has the page `/jmx` that tells its state, and takes transitions, which may hang or fail; `hdfs` is the
//! program that asks for them; `ssh` runs a command on another machine as long as the network carries it there.

pub mod journal;
pub mod namenode;
pub mod shell;
pub mod tool;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::lab::addresses::Network;

/// Port of the page.
pub const HTTP_PORT: u16 = 9_870;
/// Port that transitions are asked for at.
pub const RPC_PORT: u16 = 8_020;
/// Port that commands are sent to.
pub const SHELL_PORT: u16 = 22;
/// Longer than any program of the profile waits: it is they who give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the NameNode of the node in that slot is reached.
#[must_use]
pub const fn host(slot: u8) -> Ipv4Addr {
    Network::Business.address(slot)
}

/// Sends one line, and returns all that is answered.
///
/// # Errors
/// When nobody answers.
fn ask(host: Ipv4Addr, port: u16, line: &str) -> Result<String> {
    let to = SocketAddr::from((host, port));
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)
        .with_context(|| format!("no connection to {to}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    writeln!(stream, "{line}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Reads the line that is asked.
fn asked(stream: &TcpStream) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
