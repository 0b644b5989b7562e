//! etcd on the same nodes, written to over HTTP at the node that leads.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::load::{self, Load, VALUE_BYTES, Writer};
use crate::lab::Lab;
use crate::lab::addresses::Network;

const PROGRAM: &str = "/usr/bin/etcd";
const PEER_PORT: u16 = 2380;
const CLIENT_PORT: u16 = 2379;
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

/// A server that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every number of clients, one after the other.
pub(super) fn measure(lab: &Lab, clients: &[usize]) -> Result<Vec<Load>> {
    let _servers: Vec<Server> = (lab.topology().slots())
        .map(|slot| start(lab, slot))
        .collect::<Result<_>>()?;
    let leader = leader(lab)?;
    let writer = || writer(lab, leader);
    (clients.iter())
        .map(|clients| load::run(*clients, writer))
        .collect()
}

fn address(slot: u16) -> Result<IpAddr> {
    Ok(Network::Management.address(u8::try_from(slot)?).into())
}

fn url(slot: u16, port: u16) -> Result<String> {
    Ok(format!("http://{}:{port}", address(slot)?))
}

fn start(lab: &Lab, slot: u16) -> Result<Server> {
    let members = lab
        .topology()
        .slots()
        .map(|slot| Ok(format!("n{slot}={}", url(slot, PEER_PORT)?)));
    let members: Vec<String> = members.collect::<Result<_>>()?;
    let (peers, clients) = (url(slot, PEER_PORT)?, url(slot, CLIENT_PORT)?);
    let mut command = Command::new(PROGRAM);
    command
        .args([
            "--name",
            &format!("n{slot}"),
            "--initial-cluster-state",
            "new",
        ])
        .arg("--data-dir")
        .arg(lab.folder().join(format!("etcd-{slot}")))
        .args([
            "--listen-peer-urls",
            &peers,
            "--initial-advertise-peer-urls",
            &peers,
        ])
        .args([
            "--listen-client-urls",
            &clients,
            "--advertise-client-urls",
            &clients,
        ])
        .args(["--initial-cluster", &members.join(",")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(lab.folder().join(format!("etcd-{slot}.log")))?);
    Ok(Server(lab.topology().node(slot).spawn(&mut command)?))
}

/// The node that leads, once one does.
fn leader(lab: &Lab) -> Result<u16> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        for slot in lab.topology().slots() {
            let status = Connection::open(lab, slot)
                .and_then(|mut it| it.post("/v3/maintenance/status", &json!({})));
            if let Ok(status) = status
                && status["leader"] == status["header"]["member_id"]
                && status["leader"].is_string()
            {
                return Ok(slot);
            }
        }
        sleep(LOOK);
    }
    bail!(
        "etcd has no leader within {PATIENCE:?}; its logs were in {}",
        lab.folder().display()
    )
}

fn writer(lab: &Lab, leader: u16) -> Result<Writer> {
    let mut connection = Connection::open(lab, leader)?;
    let value = STANDARD.encode([b'v'; VALUE_BYTES]);
    Ok(Box::new(move |key| {
        let request = json!({ "key": STANDARD.encode(key), "value": value });
        let answer = connection.post("/v3/kv/put", &request)?;
        ensure!(
            answer["header"]["revision"].is_string(),
            "a write was not acknowledged: {answer}"
        );
        Ok(())
    }))
}

/// A connection that stays open, from the node to its own server.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(lab: &Lab, slot: u16) -> Result<Self> {
        let server = SocketAddr::new(address(slot)?, CLIENT_PORT);
        let stream = lab
            .topology()
            .node(slot)
            .run(|| TcpStream::connect(server))??;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            ensure!(
                self.0.read_line(&mut line)? > 0,
                "etcd ended the connection"
            );
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
        let mut answer = vec![0; length.context("etcd's answer has no length")?];
        self.0.read_exact(&mut answer)?;
        serde_json::from_slice(&answer).context("etcd's answer is no JSON")
    }
}
