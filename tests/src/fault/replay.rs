//! Genuine heartbeats, sent once more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::packet::EVERYTHING;
use crate::fault::headers::Headers;
use crate::lab::Lab;
use crate::lab::addresses::{Mac, Network};
use crate::lab::helper::Helper;
use crate::lab::packet_socket::PacketSocket;

/// How many frames are kept for replaying.
const KEPT: usize = 256;

/// Listens on the wire of the node in `slot` for `listen`, then sends all that it received in that
/// time to it again and again, as fast as one processor sends, until [`super::flood::finish`].
///
/// # Errors
/// When nothing comes by in that time, or the helper fails.
pub fn start(lab: &Lab, slot: u16, listen: Duration) -> Result<Helper> {
    let topology = lab.topology();
    let port = topology.port(slot, Network::Management).name();
    let arguments = [
        "replay".to_owned(),
        port.to_owned(),
        slot.to_string(),
        listen.as_millis().to_string(),
    ];
    let bridge = topology.bridge(Network::Management);
    let mut helper = Helper::start(bridge, lab.folder(), &format!("replay-{slot}"), &arguments)?;
    helper
        .ready()
        .with_context(|| format!("the replay to slot {slot}"))?;
    Ok(helper)
}

/// Does it on interface `port`, to the node with hardware address `node`, until `stop`; says at the
/// start that it is at work, at the end how many it sent.
///
/// # Errors
/// When nothing comes by, or without CAP_NET_RAW.
pub fn run(port: &str, node: Mac, listen: Duration, stop: &AtomicBool) -> Result<()> {
    let socket = PacketSocket::open(port, EVERYTHING)?;
    let mut frames = record(&socket, node, listen)?;
    println!("at work");
    let mut sent = 0u64;
    while !stop.load(Ordering::Relaxed) {
        frames.rotate_left(1);
        // No buffer now is no reason to stop: the next try follows at once.
        if socket.send(&frames[0]).is_ok() {
            sent += 1;
        }
    }
    println!("{sent}");
    Ok(())
}

fn record(socket: &PacketSocket, node: Mac, listen: Duration) -> Result<VecDeque<Vec<u8>>> {
    socket
        .socket()
        .set_read_timeout(Some(Duration::from_millis(10)))?;
    let end = std::time::Instant::now() + listen;
    let mut frames = VecDeque::new();
    let mut bytes = [0; 256];
    while std::time::Instant::now() < end {
        let Ok(length) = socket.receive(&mut bytes) else {
            continue;
        };
        let frame = &bytes[..length];
        // What the node itself sent came out of this port; the rest went in to it.
        if Headers::of(frame).is_some() && frame[6..12] != node {
            frames.push_back(frame.to_vec());
            if frames.len() > KEPT {
                frames.pop_front();
            }
        }
    }
    anyhow::ensure!(!frames.is_empty(), "no heartbeat came by within {listen:?}");
    Ok(frames)
}
