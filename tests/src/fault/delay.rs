//! A wire that takes its time: a relay between a node's port and its bridge.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use heartbeat_user::sys::clock::boot_ns;

use crate::client::packet::EVERYTHING;
use crate::client::schedule::{RECEIVING, hurry, sleep_until};
use crate::lab::Lab;
use crate::lab::addresses::Network;
use crate::lab::command::ip_batch;
use crate::lab::helper::Helper;
use crate::lab::packet_socket::PacketSocket;
use crate::lab::topology::Topology;

/// The relay's own link into the bridge: the end that is a port, and the end it holds.
const ENDS: [&str; 2] = ["relay-br", "relay-in"];

/// A delayed wire. It is as quick as before after the drop.
pub struct Delay<'lab> {
    _relay: Helper,
    topology: &'lab Topology,
    network: Network,
    slot: u16,
}

/// Delays every frame on the node's link to `network`, each way, by `delay`. One wire a network.
///
/// # Errors
/// When the links cannot be changed, or the relay does not come to work.
pub fn start(lab: &Lab, slot: u16, network: Network, delay: Duration) -> Result<Delay<'_>> {
    let topology = lab.topology();
    let bridge = topology.bridge(network);
    let port = topology.port(slot, network).name();
    let [outer, inner] = ENDS;
    ip_batch(
        bridge.name(),
        &[
            format!("link add {outer} type veth peer name {inner}"),
            format!("link set {outer} master br0 up"),
            format!("link set {inner} up"),
            format!("link set {port} nomaster"),
        ],
    )?;
    let arguments = [
        "relay".to_owned(),
        port.to_owned(),
        inner.to_owned(),
        delay.as_micros().to_string(),
    ];
    // Made before the relay runs, so that a relay that fails leaves no broken wire.
    let mut relay = Helper::start(bridge, lab.folder(), "relay", &arguments)?;
    relay.ready().context("the relay of a delayed wire")?;
    Ok(Delay {
        _relay: relay,
        topology,
        network,
        slot,
    })
}

impl Drop for Delay<'_> {
    fn drop(&mut self) {
        let port = self.topology.port(self.slot, self.network).name();
        let lines = [
            format!("link set {port} master br0"),
            format!("link del {}", ENDS[0]),
        ];
        if let Err(error) = ip_batch(self.topology.bridge(self.network).name(), &lines) {
            eprintln!(
                "lab: the delayed wire of slot {} stays: {error:#}",
                self.slot
            );
        }
    }
}

/// Carries frames between interfaces `a` and `b`, each way `delay` late, until the process ends.
///
/// # Errors
/// Without CAP_NET_RAW, or without these interfaces.
pub fn run(a: &str, b: &str, delay: Duration) -> Result<()> {
    // The same socket both reads and writes an interface: a socket is not shown its own frames.
    let a = Arc::new(PacketSocket::open(a, EVERYTHING)?);
    let b = Arc::new(PacketSocket::open(b, EVERYTHING)?);
    let delay_ns = u64::try_from(delay.as_nanos()).context("a delay below 500 years")?;
    println!("at work");
    thread::scope(|scope| {
        for (from, to) in [(&a, &b), (&b, &a)] {
            let (sender, receiver) = mpsc::channel();
            scope.spawn(move || take(from, delay_ns, &sender));
            scope.spawn(move || give(to, &receiver));
        }
    });
    Ok(())
}

type Due = (u64, Vec<u8>);

fn take(from: &PacketSocket, delay_ns: u64, queue: &Sender<Due>) {
    let _hurry = hurry(RECEIVING);
    let mut bytes = [0; 2_048];
    while let Ok(length) = from.receive(&mut bytes) {
        if queue
            .send((boot_ns() + delay_ns, bytes[..length].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

fn give(to: &PacketSocket, queue: &Receiver<Due>) {
    let _hurry = hurry(RECEIVING);
    for (due_ns, frame) in queue {
        sleep_until(due_ns);
        // A frame that the other side does not take is lost, as on any wire.
        let _ = to.send(&frame);
    }
}
