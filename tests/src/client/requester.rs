//! A gateway's client: asks for a numbered page, on a connection of its own each time, and notes who answers.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use heartbeat_user::sys::clock::boot_ns;

use crate::report::Answer;

/// Port of the gateway's pages.
pub const PORT: u16 = 80;
/// How long it waits for a connection, and for an answer, before it asks for another page.
const PATIENCE: Duration = Duration::from_millis(100);
/// Pause between two requests.
const PAUSE: Duration = Duration::from_millis(2);

/// Asks at `address` until `stop`; every request that was answered, in order. No number is asked for twice.
#[must_use]
pub fn ask(address: IpAddr, stop: &AtomicBool) -> Vec<Answer> {
    let mut answers = Vec::new();
    for number in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let asked_ns = boot_ns();
        // Who is refused, reset or kept waiting was not answered, which is what an outage is made of.
        if let Ok(node) = page(address, number) {
            answers.push(Answer {
                number,
                asked_ns,
                at_ns: boot_ns(),
                node,
            });
        }
        sleep(PAUSE);
    }
    answers
}

/// Slot of the node that answers: the page is `SLOT NUMBER`.
fn page(address: IpAddr, number: u64) -> Result<u16> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address, PORT)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /?n={number} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("it has a body")?;
    let (slot, echoed) = body.trim().split_once(' ').context("it has two words")?;
    anyhow::ensure!(echoed == number.to_string(), "another request's answer");
    Ok(slot.parse()?)
}
