//! The client prober: a numbered question to the virtual address every interval, each answer
//! noted with the node that gave it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::clock::boot_ns;

use crate::client::datagram::{ANSWER_LEN, PORT, parse_answer, question};
use crate::client::journal::{Recorder, What};
use crate::client::responder::any_like;
use crate::client::schedule::{ASKING, RECEIVING, Schedule, hurry};

/// Asks `address` until the process ends.
///
/// # Errors
/// When the socket or the journal cannot be made.
pub fn run(address: IpAddr, interval: Duration, journal: &Path) -> Result<()> {
    let socket =
        UdpSocket::bind((any_like(address), 0)).context("cannot bind the prober's socket")?;
    let socket = Arc::new(socket);
    let (recorder, _writer) = Recorder::create(journal)?;
    let (listening, notes) = (Arc::clone(&socket), recorder.clone());
    thread::Builder::new()
        .name("listen".to_owned())
        .spawn(move || listen(&listening, address, &notes))?;
    println!("at work");
    ask(&socket, SocketAddr::new(address, PORT), interval, &recorder)
}

/// The socket is not connected: on a connected one an ICMP error would eat the next question.
fn ask(socket: &UdpSocket, to: SocketAddr, interval: Duration, recorder: &Recorder) -> ! {
    let _hurry = hurry(ASKING);
    let mut schedule = Schedule::every(interval);
    let mut number = 0;
    loop {
        let now = schedule.wait();
        recorder.note(now, What::Asked, number, 0);
        // A question that cannot leave (no route, no neighbour) is one that nobody answers.
        let _ = socket.send_to(&question(number), to);
        number += 1;
    }
}

fn listen(socket: &UdpSocket, address: IpAddr, recorder: &Recorder) -> ! {
    let _hurry = hurry(RECEIVING);
    let mut bytes = [0; ANSWER_LEN + 1];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        let now = boot_ns();
        // An answer from another address is none: the user asked the virtual one.
        if from == SocketAddr::from((address, PORT))
            && let Some((number, node)) = parse_answer(&bytes[..length])
        {
            recorder.note(now, What::Answered, number, node);
        }
    }
}
