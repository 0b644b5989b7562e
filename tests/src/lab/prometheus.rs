//! Debian's Prometheus on one of the lab's machines.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::lab::netns::Netns;
use crate::monitoring;

/// Debian's name for it, and for its package.
pub const PROGRAM: &str = "prometheus";
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// It runs until this is dropped.
#[derive(Debug)]
pub struct Prometheus<'a> {
    machine: &'a Netns,
    address: SocketAddr,
    child: Child,
}

impl<'a> Prometheus<'a> {
    /// Starts it on that machine, with its files in `folder` and the rules that are shipped: it scrapes these places twice
    /// a second, and may take a moment until it answers.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        machine: &'a Netns,
        address: SocketAddr,
        places: &[SocketAddr],
        folder: &Path,
    ) -> Result<Self> {
        let folder = folder.join(PROGRAM);
        fs::create_dir_all(&folder)?;
        let configuration = folder.join("prometheus.yml");
        fs::write(&configuration, text(places))?;
        let log = fs::File::create(folder.join("log"))?;
        let mut command = Command::new(PROGRAM);
        command
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(Self {
            machine,
            address,
            child: machine.spawn(&mut command)?,
        })
    }

    /// What this expression gives now: a sample for each series.
    ///
    /// # Errors
    /// When it does not answer, or takes it for no expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let encoded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let answer = self.ask(&format!("/api/v1/query?query={encoded}"))?;
        let samples = answer["data"]["result"].as_array();
        samples
            .cloned()
            .with_context(|| format!("{expression}: {answer}"))
    }

    /// The rules that could not be evaluated, with why.
    ///
    /// # Errors
    /// When it does not answer, or has none.
    pub fn broken_rules(&self) -> Result<Vec<String>> {
        let answer = self.ask("/api/v1/rules")?;
        let groups = answer["data"]["groups"].as_array().context("groups")?;
        let rules: Vec<&Value> = groups
            .iter()
            .filter_map(|group| group["rules"].as_array())
            .flatten()
            .collect();
        ensure!(!rules.is_empty(), "no rules: {answer}");
        let broken = rules.iter().filter(|rule| rule["health"] != "ok");
        Ok(broken.map(ToString::to_string).collect())
    }

    fn ask(&self, path: &str) -> Result<Value> {
        let address = self.address;
        let answer = self.machine.run(|| get(address, path))??;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.contains(" 200 "), "{path}: {answer}");
        Ok(serde_json::from_str(body)?)
    }
}

/// By the older version, so that the body comes in one piece.
///
/// # Errors
/// When nobody answers there.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn text(places: &[SocketAddr]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("'{place}'")).collect();
    let rules = monitoring::file(monitoring::RULES);
    format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}\n\
         rule_files: ['{}']\n\
         scrape_configs:\n  - job_name: heartbeatd\n    static_configs: [{{targets: [{}]}}]\n",
        rules.display(),
        places.join(", ")
    )
}

impl Drop for Prometheus<'_> {
    fn drop(&mut self) {
        // Fails only for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
