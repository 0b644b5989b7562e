//! A service that answers with a page, as a node's own: killed, stopped and brought back by scenarios.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Where it writes its process's number, in its node's folder.
pub const PID_FILE: &str = "web.pid";
/// It ends with the lab, whose folders go away.
const LOOK: Duration = Duration::from_millis(200);

/// Answers at this port of the loopback interface until `folder` is gone.
///
/// # Errors
/// When the port is taken, or the folder cannot be written.
pub fn run(port: u16, folder: &Path) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("the port is taken")?;
    let file = folder.join(PID_FILE);
    fs::write(&file, std::process::id().to_string())
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("at work");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away meanwhile needs no answer.
            let _ = answer(stream);
        }
    });
    while folder.exists() {
        sleep(LOOK);
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(LOOK))?;
    let _ = stream.read(&mut [0; 4_096])?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}
