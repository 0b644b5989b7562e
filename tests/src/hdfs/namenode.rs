//! The stand-in of a NameNode.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::journal::Journal;
use super::{HTTP_PORT, RPC_PORT, asked};

/// Where it writes its process's number.
pub const PID_FILE: &str = "pid";
/// How often it says that it is active, and looks whether a transition may go on.
const LOOK: Duration = Duration::from_millis(5);

/// Name of the file that makes a transition hang while it is there, or fail.
#[must_use]
pub fn trouble(kind: Trouble, transition: &str) -> String {
    match kind {
        Trouble::Hangs => format!("{transition}.hangs"),
        Trouble::Fails => format!("{transition}.fails"),
    }
}

/// What can be wrong with a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does not end.
    Hangs,
    /// It is refused.
    Fails,
}

struct NameNode {
    folder: PathBuf,
    is_active: AtomicBool,
    /// Transitions come one after the other, as a real one's do: one that hangs holds up all.
    turn: Mutex<()>,
    journal: Journal,
}

/// Answers until its folder is gone. It starts as a standby.
///
/// # Errors
/// When a port is taken, or the disk refuses.
pub fn run(folder: &Path) -> Result<()> {
    let listen =
        |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).context("the port is taken");
    let (pages, calls) = (listen(HTTP_PORT)?, listen(RPC_PORT)?);
    let node = Arc::new(NameNode {
        folder: folder.to_owned(),
        is_active: AtomicBool::new(false),
        turn: Mutex::new(()),
        journal: Journal::new(folder),
    });
    fs::write(folder.join(PID_FILE), std::process::id().to_string())?;
    serve(pages, Arc::clone(&node), NameNode::page);
    serve(calls, Arc::clone(&node), NameNode::call);
    while folder.exists() {
        if node.is_active.load(Ordering::Acquire) {
            node.journal.goes_on()?;
        }
        sleep(LOOK);
    }
    Ok(())
}

type Answer = fn(&NameNode, &str) -> Result<String>;

/// Each question has a thread of its own: one that hangs is nobody else's matter.
fn serve(listener: TcpListener, node: Arc<NameNode>, answer: Answer) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let node = Arc::clone(&node);
            // Who goes away meanwhile needs no answer.
            thread::spawn(move || drop(reply(&node, stream, answer)));
        }
    });
}

fn reply(node: &NameNode, mut stream: TcpStream, answer: Answer) -> Result<()> {
    let answer = answer(node, &asked(&stream)?)?;
    Ok(stream.write_all(answer.as_bytes())?)
}

impl NameNode {
    fn state(&self) -> &'static str {
        if self.is_active.load(Ordering::Acquire) {
            "active"
        } else {
            "standby"
        }
    }

    fn page(&self, request: &str) -> Result<String> {
        if !request.contains("name=NameNodeStatus") {
            return Ok("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned());
        }
        let body = format!(
            "{{\"beans\" : [ {{\"name\" : \"Hadoop:service=NameNode,name=NameNodeStatus\", \"State\" : \"{}\"}} ]}}",
            self.state()
        );
        Ok(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn call(&self, call: &str) -> Result<String> {
        let becomes_active = match call {
            "-getServiceState" => return Ok(self.state().to_owned()),
            "-transitionToActive" => true,
            "-transitionToStandby" => false,
            _ => return Ok(format!("failed: no call {call}")),
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |kind| self.folder.join(trouble(kind, call)).exists();
        while has(Trouble::Hangs) {
            sleep(LOOK);
        }
        if has(Trouble::Fails) {
            return Ok("failed: as it was told to".to_owned());
        }
        if becomes_active && !self.is_active.load(Ordering::Acquire) {
            self.journal.begins()?;
        }
        self.is_active.store(becomes_active, Ordering::Release);
        Ok("done".to_owned())
    }
}
