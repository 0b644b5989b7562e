//! A slave is a client of the address like any other machine.

use std::net::UdpSocket;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use heartbeat_tests::client::datagram::{PORT, parse_answer, question};
use heartbeat_tests::lab::addresses::{Network, VIRTUAL_ADDRESS};
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario};

#[test]
fn a_slave_reaches_the_master_by_the_address_and_the_next_master_after_a_failover() {
    scenario("client_on_slave", |scene| {
        ensure!(who_answers(scene, 3)? == 1);
        ensure!(who_answers(scene, 2)? == 1);
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        ensure!(scene.next_master(1)? == 2);
        sleep(Duration::from_millis(100));
        ensure!(who_answers(scene, 3)? == 2, "also after the failover");
        scene.cluster.start_one(1)?;
        ensure!(scene.cluster.settle()? == 2);
        ensure!(
            who_answers(scene, 1)? == 2,
            "the first master is a client now"
        );
        Ok(())
    });
}

/// Asks the virtual address from the node in `from` until somebody answers; the answering slot.
fn who_answers(scene: &Scene, from: u16) -> Result<u16> {
    let last = u8::try_from(from)?;
    scene
        .cluster
        .lab()
        .topology()
        .node(from)
        .run(|| -> Result<u16> {
            let socket = UdpSocket::bind((Network::Business.address(last), 0))?;
            socket.set_read_timeout(Some(Duration::from_millis(100)))?;
            let begun = Instant::now();
            let mut bytes = [0; 64];
            while begun.elapsed() < Duration::from_secs(3) {
                socket.send_to(&question(1), (VIRTUAL_ADDRESS, PORT))?;
                if let Ok(length) = socket.recv(&mut bytes)
                    && let Some((_, slot)) = parse_answer(&bytes[..length])
                {
                    return Ok(slot);
                }
            }
            anyhow::bail!("slot {from} got no answer from the address in 3 s")
        })?
}
