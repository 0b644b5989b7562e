//! The observer: asks every node at once whether it answers for the virtual address.
//!
//! A client talks to the one node its neighbour table names, so it could never see two nodes
//! answer. The observer sends each question to every node's hardware address, and broadcasts ARP
//! requests: whoever answers for the address shows itself, and two answers to one question are two
//! nodes that serve at once.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::clock::boot_ns;

use crate::client::datagram::{ANSWER_LEN, PORT, parse_answer, question};
use crate::client::journal::{Recorder, What};
use crate::client::packet::{ARP, EVERYTHING, Ends, arp_request, parse_arp, udp_frame};
use crate::client::schedule::{ASKING, RECEIVING, Schedule, hurry};
use crate::lab::addresses::{Network, OBSERVER};
use crate::lab::packet_socket::PacketSocket;

/// The network it looks at.
const NETWORK: Network = Network::Business;
/// An ARP request goes with every so manieth question.
const ARP_EVERY: u64 = 5;

/// What the observer shall look at.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The virtual address.
    pub address: Ipv4Addr,
    /// Nodes in slots 1 to this are asked.
    pub nodes: u8,
    /// Time between two questions.
    pub interval: Duration,
}

/// Asks until the process ends.
///
/// # Errors
/// When a socket or the journal cannot be made.
pub fn run(target: Target, journal: &Path) -> Result<()> {
    let answers = UdpSocket::bind((NETWORK.address(OBSERVER), 0))
        .context("cannot bind the observer's socket")?;
    let from_port = answers.local_addr()?.port();
    let arps = PacketSocket::open(NETWORK.interface(), ARP)?;
    let asking = PacketSocket::open(NETWORK.interface(), EVERYTHING)?;
    let (recorder, _writer) = Recorder::create(journal)?;
    let newest_arp = Arc::new(AtomicU64::new(0));
    let notes = recorder.clone();
    thread::Builder::new()
        .name("answers".to_owned())
        .spawn(move || hear_answers(&answers, target.address, &notes))?;
    let (notes, newest) = (recorder.clone(), Arc::clone(&newest_arp));
    thread::Builder::new()
        .name("arps".to_owned())
        .spawn(move || hear_arps(&arps, target.address, &newest, &notes))?;
    println!("at work");
    ask(&asking, target, from_port, &newest_arp, &recorder)
}

fn ask(
    socket: &PacketSocket,
    target: Target,
    from_port: u16,
    newest_arp: &AtomicU64,
    recorder: &Recorder,
) -> ! {
    let _hurry = hurry(ASKING);
    let arp = arp_request(
        NETWORK.mac(OBSERVER),
        NETWORK.address(OBSERVER),
        target.address,
    );
    let mut schedule = Schedule::every(target.interval);
    let mut number = 0;
    loop {
        recorder.note(schedule.wait(), What::Asked, number, 0);
        let asked = question(number);
        for node in 1..=target.nodes {
            // A frame that cannot leave now (no buffer) is a question that this node was not asked.
            let _ = socket.send(&udp_frame(ends(target.address, from_port, node), &asked));
        }
        recorder.note(boot_ns(), What::AskedAll, number, 0);
        if number % ARP_EVERY == 0 {
            newest_arp.store(number, Ordering::Relaxed);
            recorder.note(boot_ns(), What::ArpAsked, number, 0);
            let _ = socket.send(&arp);
        }
        number += 1;
    }
}

fn ends(address: Ipv4Addr, from_port: u16, node: u8) -> Ends {
    Ends {
        mac: (NETWORK.mac(OBSERVER), NETWORK.mac(node)),
        address: (NETWORK.address(OBSERVER), address),
        port: (from_port, PORT),
    }
}

fn hear_answers(socket: &UdpSocket, address: Ipv4Addr, recorder: &Recorder) -> ! {
    let _hurry = hurry(RECEIVING);
    let mut bytes = [0; ANSWER_LEN + 1];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        let now = boot_ns();
        if from.ip() == address
            && let Some((number, node)) = parse_answer(&bytes[..length])
        {
            recorder.note(now, What::Answered, number, node);
        }
    }
}

/// ARP replies bear no number: they count for the newest request, five intervals after the one before.
fn hear_arps(
    socket: &PacketSocket,
    address: Ipv4Addr,
    newest: &AtomicU64,
    recorder: &Recorder,
) -> ! {
    let _hurry = hurry(RECEIVING);
    let mut bytes = [0; 128];
    loop {
        let Ok(length) = socket.receive(&mut bytes) else {
            continue;
        };
        let now = boot_ns();
        let Some(arp) = parse_arp(&bytes[..length]).filter(|arp| arp.sender == address) else {
            continue;
        };
        let node = NETWORK.slot_of(arp.sender_mac).unwrap_or(0);
        if arp.target == address {
            recorder.note(now, What::Announced, 0, node);
        } else if arp.reply && arp.target == NETWORK.address(OBSERVER) {
            recorder.note(now, What::ArpAnswered, newest.load(Ordering::Relaxed), node);
        }
    }
}
