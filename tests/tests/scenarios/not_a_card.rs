//! Management interfaces that are no network card: a bridge, a macvlan.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::client::packet::{ARP, Arp, arp_request, parse_arp};
use heartbeat_tests::lab::addresses::{Mac, Network, ROGUE};
use heartbeat_tests::lab::packet_socket::PacketSocket;
use heartbeat_tests::lab::settings::{Place, Settings};
use heartbeat_tests::lab::topology::{Made, Plan};
use nix::sys::signal::Signal;

use crate::kill;
use crate::scene::{Scene, scenario_in};

const MACVLAN: Made = Made::Macvlan("bridge");
/// Longer than any answer takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_millis(200);

/// The switch snoops, so that a node whose interface does not join the group hears nothing; the address is on the
/// same interface, so that the gate sits on it too.
fn made(management: Made) -> Settings {
    Settings {
        plan: Plan {
            snooping: true,
            management,
            ..Plan::default()
        },
        place: Place::On(Network::Management),
        ..Settings::default()
    }
}

#[test]
fn on_a_bridge_heartbeats_are_answered_in_generic_mode_and_an_address_moves_like_any_other() {
    scenario_in("on_a_bridge", made(Made::Bridge), |scene| {
        answers_in_generic_mode(scene)?;
        kill::killed(scene)
    });
}

#[test]
fn on_a_macvlan_heartbeats_are_answered_in_generic_mode_and_an_address_moves_like_any_other() {
    scenario_in("on_a_macvlan", made(MACVLAN), |scene| {
        answers_in_generic_mode(scene)?;
        kill::killed(scene)
    });
}

/// Linux would answer for an address by the card's hardware address too, and past the gates of the others.
#[test]
fn the_card_under_a_macvlan_speaks_for_no_address() {
    scenario_in("card_under_a_macvlan", made(MACVLAN), |scene| {
        let macvlan = |slot| Network::Management.mac(slot);
        ensure!(who_speaks(scene)? == BTreeSet::from([macvlan(1)]));
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        scene.next_master(1)?;
        sleep(scene.cluster.settings().lease());
        ensure!(scene.has_address(1)?, "nobody removed it");
        let speaking = who_speaks(scene)?;
        ensure!(speaking == BTreeSet::from([macvlan(2)]), "{speaking:x?}");
        Ok(())
    });
}

/// Hardware addresses that answer ARP requests for the virtual address on the management network.
fn who_speaks(scene: &Scene) -> Result<BTreeSet<Mac>> {
    let IpAddr::V4(address) = scene.cluster.settings().virtual_address() else {
        bail!("ARP is IPv4's");
    };
    let (network, rogue) = (Network::Management, scene.cluster.lab().topology().rogue());
    let request = arp_request(network.mac(ROGUE), network.address(ROGUE), address);
    rogue.run(|| {
        let socket = PacketSocket::open(network.interface(), ARP)?;
        socket.socket().set_read_timeout(Some(PATIENCE))?;
        socket.send(&request)?;
        let (begun, mut frame, mut found) = (Instant::now(), [0; 100], BTreeSet::new());
        while begun.elapsed() < PATIENCE {
            let Ok(length) = socket.receive(&mut frame) else {
                continue;
            };
            let answer = parse_arp(&frame[..length]);
            let is_it = |it: &Arp| it.reply && it.sender == address;
            found.extend(answer.filter(is_it).map(|it| it.sender_mac));
        }
        Ok(found)
    })?
}

pub(crate) fn answers_in_generic_mode(scene: &Scene) -> Result<()> {
    let view = scene.cluster.view();
    for slot in 1..=3 {
        let status = view.of(slot).context("every daemon answers")?;
        ensure!(
            status["datapath"]["mode"] == "generic",
            "slot {slot}: {}",
            status["datapath"]
        );
    }
    Ok(())
}
