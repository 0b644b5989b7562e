//! The virtual address on each interface that it can live on, and networks with long frames.

use std::net::UdpSocket;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::addresses::{Families, Family, NETWORKS, Network, mac_text, third_mac};
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::settings::{Place, Settings};
use heartbeat_tests::lab::topology::Plan;

use crate::kill;
use crate::scene::{Scene, scenario_in, scenario_with};

const THIRD: &str = "vip0";

fn placed(place: Place, family: Family) -> Settings {
    Settings {
        plan: Plan {
            families: Families::all(family),
            ..Plan::default()
        },
        place,
        ..Settings::default()
    }
}

/// Responder and gate share an interface: what the one answers, the other must not stop.
#[test]
fn an_address_on_the_management_interface_moves_like_any_other() {
    let settings = placed(Place::On(Network::Management), Family::V4);
    scenario_in("place_management", settings, kill::killed);
}

#[test]
fn over_ipv6_an_address_on_the_management_interface_moves_like_any_other() {
    let settings = placed(Place::On(Network::Management), Family::V6);
    scenario_in("place_management_ipv6", settings, kill::killed);
}

#[test]
fn an_address_on_an_interface_of_its_own_moves_like_any_other() {
    let settings = placed(Place::Third(THIRD), Family::V4);
    scenario_with("place_third", settings, |scene| {
        for slot in 1..=3 {
            add_third(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(200));
        kill::killed(scene)
    });
}

#[test]
fn with_frames_of_9000_bytes_on_both_networks_the_responder_stays_in_the_driver() {
    let settings = Settings {
        plan: Plan {
            mtu: 9_000,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_in("jumbo", settings, |scene| {
        let view = scene.cluster.view();
        for slot in 1..=3 {
            let status = view.of(slot).context("every daemon answers")?;
            ensure!(
                status["datapath"]["mode"] == "native",
                "slot {slot}: {}",
                status["datapath"]
            );
        }
        for network in NETWORKS {
            long_datagram_passes(scene, network)?;
        }
        kill::killed(scene)
    });
}

/// An interface beside the business one, in the same network, without an address of its own.
fn add_third(scene: &Scene, slot: u16) -> Result<()> {
    let node = scene.cluster.lab().topology().node(slot).name();
    let mac = mac_text(third_mac(u8::try_from(slot)?));
    let business = Network::Business.interface();
    for words in [
        format!("link add {THIRD} link {business} address {mac} type macvlan mode bridge"),
        format!("link set {THIRD} up"),
    ] {
        let words: Vec<&str> = ["-netns", node]
            .into_iter()
            .chain(words.split_whitespace())
            .collect();
        run("ip", &words)?;
    }
    Ok(())
}

/// The witness that frames are long: one of almost 9,000 bytes, in one piece, past the responder and the gate.
fn long_datagram_passes(scene: &Scene, network: Network) -> Result<()> {
    const LONG: usize = 8_900;
    let topology = scene.cluster.lab().topology();
    let receiver = topology.node(2).run(|| -> Result<UdpSocket> {
        let socket = UdpSocket::bind((network.address(2), 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        Ok(socket)
    })??;
    let to = receiver.local_addr()?;
    topology.node(1).run(|| -> Result<()> {
        let socket = UdpSocket::bind((network.address(1), 0))?;
        socket.send_to(&[7; LONG], to)?;
        Ok(())
    })??;
    let mut bytes = vec![0; 10_000];
    let length = receiver
        .recv(&mut bytes)
        .with_context(|| format!("a long datagram on the {network:?} network"))?;
    ensure!(bytes[..length] == [7; LONG], "{length} bytes arrived");
    Ok(())
}
