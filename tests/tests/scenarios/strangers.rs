//! Who else may be on the networks: another cluster, other programs, a second machine in a slot.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::addresses::{NETWORKS, Network, PREFIX, VIRTUAL_ADDRESS};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::ip_batch;
use heartbeat_tests::lab::counters;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, scenario, scenario_with};

/// Corosync's port and group (corosync.conf(5)).
const COROSYNC_PORT: u16 = 5405;
const COROSYNC_GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 1, 1);
/// Datagrams of each kind.
const DATAGRAMS: u16 = 60;

#[test]
fn two_clusters_on_one_group_and_port_leave_each_other_alone() {
    let settings = Settings {
        plan: Plan {
            nodes: 6,
            ..Plan::DEFAULT
        },
        period: Duration::from_millis(20),
        ..Settings::default()
    };
    scenario_with("two_clusters", settings, |scene| {
        let first = write(scene, "lab", 1..=3, VIRTUAL_ADDRESS)?;
        let other = write(scene, "other", 4..=6, Ipv4Addr::new(203, 0, 113, 120))?;
        for slot in 1..=6 {
            let file = if slot <= 3 { &first } else { &other };
            scene.cluster.daemon_mut(slot).pose(slot, file);
        }
        scene.cluster.start_all()?;
        let both = |view: &View| (view.masters().len() == 2).then(|| view.masters());
        let masters = scene
            .cluster
            .wait_for("each cluster has a master", PATIENCE, both)?;
        ensure!(
            masters[0] <= 3 && masters[1] > 3,
            "one of each: {masters:?}"
        );
        let changed = |view: &View| (view.masters() != masters).then(|| view.masters());
        let while_looking = Duration::from_secs(1);
        scene
            .cluster
            .hold("a master changed", while_looking, changed)?;
        for slot in [2, 5] {
            let pins = scene.cluster.daemon(slot).pins();
            let foreign = counters::responder(pins, Verdict::Foreign)?;
            ensure!(foreign > 20, "slot {slot} saw {foreign} foreign frames");
        }
        Ok(())
    });
}

/// A configuration of the lab's nodes in these slots alone, under that cluster's name.
fn write(
    scene: &Scene,
    name: &str,
    slots: std::ops::RangeInclusive<u16>,
    address: Ipv4Addr,
) -> Result<PathBuf> {
    let text = scene.cluster.settings().text();
    let mut parts = text.split("\n[[");
    let head = parts.next().context("a file begins")?;
    let is_kept = |part: &&str| {
        let slot = part
            .strip_prefix("member]]\nslot = ")
            .and_then(|rest| rest.split('\n').next()?.parse().ok());
        slot.is_none_or(|slot: u16| slots.contains(&slot))
    };
    let kept: Vec<&str> = std::iter::once(head).chain(parts.filter(is_kept)).collect();
    let text = kept
        .join("\n[[")
        .replace("name = \"lab\"", &format!("name = \"{name}\""))
        .replace(&VIRTUAL_ADDRESS.to_string(), &address.to_string());
    let path = scene.cluster.lab().folder().join(format!("{name}.toml"));
    std::fs::write(&path, text)?;
    Ok(path)
}

#[test]
fn datagrams_of_other_programs_on_the_management_network_pass_untouched() {
    scenario("corosync", |scene| {
        let calm = scene.calm()?;
        let topology = scene.cluster.lab().topology();
        let own = Network::Management.address(2);
        let socket = topology.node(2).run(|| -> Result<UdpSocket> {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, COROSYNC_PORT))?;
            socket.join_multicast_v4(&COROSYNC_GROUP, &own)?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            Ok(socket)
        })??;
        topology.rogue().run(|| -> Result<()> {
            let sender = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            let from = socket2::SockRef::from(&sender);
            from.set_multicast_if_v4(&Network::Management.address(220))?;
            for number in 0..DATAGRAMS {
                for to in [COROSYNC_GROUP, own] {
                    // As long as a heartbeat, and of the same first bytes.
                    let mut datagram = [0; 120];
                    datagram[..4].copy_from_slice(b"HBD1");
                    datagram[4..6].copy_from_slice(&number.to_be_bytes());
                    sender.send_to(&datagram, (to, COROSYNC_PORT))?;
                }
                // Slower than a receive buffer fills.
                std::thread::sleep(Duration::from_micros(500));
            }
            Ok(())
        })??;
        let mut bytes = [0; 256];
        let mut came = 0;
        while came < 2 * DATAGRAMS && socket.recv(&mut bytes).is_ok() {
            came += 1;
        }
        ensure!(came == 2 * DATAGRAMS, "only {came} datagrams came");
        scene.stayed(&calm)
    });
}

#[test]
fn a_second_machine_in_a_slaves_slot_is_an_alarm_and_costs_no_mastership() {
    doubled("doubled_slave", 3);
}

#[test]
fn a_second_machine_in_the_masters_slot_never_serves() {
    doubled("doubled_master", 1);
}

/// A fourth machine comes with address and slot of one of the three.
fn doubled(name: &str, slot: u16) {
    let settings = Settings {
        plan: Plan {
            nodes: 4,
            ..Plan::DEFAULT
        },
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        let file = write(scene, "lab", 1..=3, VIRTUAL_ADDRESS)?;
        for slot in 1..=3 {
            scene.cluster.daemon_mut(slot).pose(slot, &file);
            scene.cluster.start_one(slot)?;
        }
        scene
            .cluster
            .wait_for("slot 1 is master", PATIENCE, |view| {
                (view.masters() == [1]).then_some(())
            })?;
        take_addresses(scene, 4, slot)?;
        scene.cluster.daemon_mut(4).pose(slot, &file);
        scene.cluster.start_one(4)?;
        let alarmed = |view: &View| {
            let mut all = view.answering();
            all.any(|(_, status)| {
                let alarms = status["alarms"].as_array();
                alarms.is_some_and(|alarms| {
                    alarms.iter().any(|alarm| alarm["name"] == "duplicate_slot")
                })
            })
            .then_some(())
        };
        scene
            .cluster
            .wait_for("the doubled slot is an alarm", PATIENCE, alarmed)?;
        scene.cluster.hold(
            "the second machine is master",
            Duration::from_secs(2),
            |view| (view.role(4) == Some("master")).then_some(()),
        )
    });
}

/// Gives the node in `taker` the addresses of the one in `owner`.
fn take_addresses(scene: &Scene, taker: u16, owner: u16) -> Result<()> {
    let (old, new) = (u8::try_from(taker)?, u8::try_from(owner)?);
    let mut lines = Vec::new();
    for network in NETWORKS {
        let interface = network.interface();
        for (verb, last) in [("del", old), ("add", new)] {
            let address = network.address(last);
            lines.push(format!("addr {verb} {address}/{PREFIX} dev {interface}"));
        }
    }
    ip_batch(scene.cluster.lab().topology().node(taker).name(), &lines)
}
