//! Debian's Prometheus Alertmanager on one of the lab's machines.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::lab::netns::Netns;

/// Debian's name for it.
pub const PROGRAM: &str = "prometheus-alertmanager";
/// It knows nobody to tell; what it was told is all that is asked.
const CONFIGURATION: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// It runs until this is dropped.
#[derive(Debug)]
pub struct Alertmanager<'a> {
    machine: &'a Netns,
    address: SocketAddr,
    child: Child,
}

impl<'a> Alertmanager<'a> {
    /// Starts it on that machine, with its files in `folder`; it may take a moment until it answers.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(machine: &'a Netns, address: SocketAddr, folder: &Path) -> Result<Self> {
        let folder = folder.join("alertmanager");
        fs::create_dir_all(&folder)?;
        let configuration = folder.join("alertmanager.yml");
        fs::write(&configuration, CONFIGURATION)?;
        let log = fs::File::create(folder.join("log"))?;
        let mut command = Command::new(PROGRAM);
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.path={}", folder.display()))
            .arg(format!("--web.listen-address={address}"))
            // Alone, not one of several.
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(Self {
            machine,
            address,
            child: machine.spawn(&mut command)?,
        })
    }

    /// The alerts that it takes for active.
    ///
    /// # Errors
    /// When it does not answer, or not so.
    pub fn active(&self) -> Result<Vec<Value>> {
        let address = self.address;
        let answer = self.machine.run(|| ask(address))??;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        anyhow::ensure!(head.contains(" 200 "), "{head}");
        Ok(serde_json::from_str(body)?)
    }
}

fn ask(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // By the older version, so that the body comes in one piece.
    let request = "GET /api/v2/alerts?active=true HTTP/1.0\r\nAccept: application/json\r\n\r\n";
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Drop for Alertmanager<'_> {
    fn drop(&mut self) {
        // Fails only for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
