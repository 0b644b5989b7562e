//! The observer: asks every node at once whether it answers for the virtual address.
//!
//! A client talks to the one node its neighbour table names, so it could never see two nodes
//! answer. The observer sends each question to every node's hardware address, and asks all of them by ARP or
//! neighbour solicitation: whoever answers for the address shows itself, and two answers to one question are two
//! nodes that serve at once.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::clock::boot_ns;

use crate::client::datagram::{ANSWER_LEN, PORT, parse_answer, question};
use crate::client::journal::{Recorder, What};
use crate::client::packet::{
    ARP, EVERYTHING, Ends, IPV6, arp_request, parse_advertisement, parse_arp, solicitation,
    udp_frame,
};
use crate::client::schedule::{ASKING, RECEIVING, Schedule, hurry};
use crate::lab::addresses::{Mac, Network};
use crate::lab::packet_socket::PacketSocket;

/// A question for the hardware address goes with every so manieth question.
const ARP_EVERY: u64 = 5;

/// What the observer shall look at.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The virtual address.
    pub address: IpAddr,
    /// The network it lives on.
    pub network: Network,
    /// The observer's own address there, of the same family.
    pub own: IpAddr,
    /// Last byte of its hardware address there.
    pub last: u8,
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
    let answers = UdpSocket::bind((target.own, 0)).context("cannot bind the observer's socket")?;
    let from_port = answers.local_addr()?.port();
    let interface = target.network.interface();
    let neighbours = match target.address {
        IpAddr::V4(_) => ARP,
        IpAddr::V6(_) => IPV6,
    };
    let arps = PacketSocket::open(interface, neighbours)?;
    let asking = PacketSocket::open(interface, EVERYTHING)?;
    let (recorder, _writer) = Recorder::create(journal)?;
    let newest_arp = Arc::new(AtomicU64::new(0));
    let notes = recorder.clone();
    thread::Builder::new()
        .name("answers".to_owned())
        .spawn(move || hear_answers(&answers, target.address, &notes))?;
    let (notes, newest) = (recorder.clone(), Arc::clone(&newest_arp));
    thread::Builder::new()
        .name("arps".to_owned())
        .spawn(move || hear_neighbours(&arps, target, &newest, &notes))?;
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
    let who_has = target.who_has();
    let mut schedule = Schedule::every(target.interval);
    let mut frames = Vec::with_capacity(target.nodes.into());
    let mut number = 0;
    loop {
        let asked = question(number);
        frames.clear();
        frames
            .extend((1..=target.nodes).map(|node| udp_frame(target.ends(from_port, node), &asked)));
        // All copies are made before the first leaves: they prove something only if they leave at once.
        recorder.note(schedule.wait(), What::Asked, number, 0);
        for frame in &frames {
            // A frame that cannot leave now (no buffer) is a question that this node was not asked.
            let _ = socket.send(frame);
        }
        recorder.note(boot_ns(), What::AskedAll, number, 0);
        if number % ARP_EVERY == 0 {
            newest_arp.store(number, Ordering::Relaxed);
            recorder.note(boot_ns(), What::ArpAsked, number, 0);
            let _ = socket.send(&who_has);
        }
        number += 1;
    }
}

impl Target {
    fn mac(&self) -> Mac {
        self.network.mac(self.last)
    }

    fn ends(&self, from_port: u16, node: u8) -> Ends {
        Ends {
            mac: (self.mac(), self.network.mac(node)),
            address: (self.own, self.address),
            port: (from_port, PORT),
        }
    }

    /// The question for the address's hardware address, to everybody.
    fn who_has(&self) -> Vec<u8> {
        match (self.own, self.address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => {
                arp_request(self.mac(), own, address).to_vec()
            }
            (IpAddr::V6(own), IpAddr::V6(address)) => solicitation(self.mac(), own, address),
            (own, address) => panic!("{own} and {address} are of two families"),
        }
    }

    /// What this frame says about where the address is.
    fn said(&self, frame: &[u8]) -> Option<Said> {
        match self.address {
            IpAddr::V4(address) => {
                let arp = parse_arp(frame).filter(|arp| arp.sender == address)?;
                Some(Said {
                    mac: arp.sender_mac,
                    to_all: arp.target == address,
                    to_us: arp.reply && self.own == arp.target,
                })
            }
            IpAddr::V6(address) => {
                let told = parse_advertisement(frame).filter(|told| told.target == address)?;
                Some(Said {
                    mac: told.sender_mac,
                    to_all: told.to.is_multicast(),
                    to_us: told.solicited && self.own == told.to,
                })
            }
        }
    }
}

/// Somebody says that he has the address.
struct Said {
    mac: Mac,
    to_all: bool,
    to_us: bool,
}

fn hear_answers(socket: &UdpSocket, address: IpAddr, recorder: &Recorder) -> ! {
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

/// These answers bear no number: they count for the newest question, five intervals after the one before.
fn hear_neighbours(
    socket: &PacketSocket,
    target: Target,
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
        let Some(said) = target.said(&bytes[..length]) else {
            continue;
        };
        let node = target.network.slot_of(said.mac).unwrap_or(0);
        if said.to_all {
            recorder.note(now, What::Announced, 0, node);
        } else if said.to_us {
            recorder.note(now, What::ArpAnswered, newest.load(Ordering::Relaxed), node);
        }
    }
}
