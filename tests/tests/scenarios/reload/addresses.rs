//! Addresses come, move to another interface, and go, while another one is served.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::command::run;
use heartbeat_user::sys::clock::boot_ns;

use super::{counted, edit, file, refuses, reloads, scenario};
use crate::scene::Scene;

/// One more than the cluster's.
const MORE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 150);
const TABLE: &str = "\n[[virtual_address]]\naddress = \"203.0.113.150/24\"\n";

/// The interfaces of a node that have the address.
fn carriers(scene: &Scene, slot: u16) -> Result<Vec<String>> {
    let node = scene.cluster.lab().topology().node(slot).name();
    let shown = run("ip", &["-netns", node, "-o", "-4", "addr", "show"])?;
    let of = |line: &str| {
        let interface = line.split_whitespace().nth(1)?;
        line.contains(&format!(" {MORE}/"))
            .then(|| interface.to_owned())
    };
    Ok(shown.lines().filter_map(of).collect())
}

fn answers(scene: &Scene) -> Result<u16> {
    let client = scene.cluster.lab().topology().client();
    scene.who_answers(client, IpAddr::V4(MORE))
}

/// Whether the gate of a node guards the address, and lets it through now.
fn gate(scene: &Scene, slot: u16) -> Result<Option<bool>> {
    let view = scene.cluster.view();
    let status = view.of(slot).context("it answers")?;
    let all = status["virtual_addresses"].as_array().context("a list")?;
    let entry = all.iter().find(|it| it["address"] == MORE.to_string());
    Ok(entry.and_then(|it| it["gate_open"].as_bool()))
}

/// On every node, slaves first.
fn everywhere(scene: &Scene, change: impl Fn(&str) -> String) -> Result<()> {
    for slot in [3, 2, 1] {
        edit(scene, slot, &change)?;
        reloads(scene, slot)?;
    }
    Ok(())
}

#[test]
fn an_address_comes_moves_and_goes_and_clients_of_another_one_see_nothing() {
    scenario("reload_addresses", |scene| {
        let calm = scene.calm()?;
        let from_ns = boot_ns();
        ensure!(answers(scene).is_err() && gate(scene, 1)?.is_none());
        everywhere(scene, |text| {
            format!("{text}{TABLE}network = \"business\"\n")
        })?;
        ensure!(answers(scene)? == 1);
        ensure!(carriers(scene, 1)? == ["biz0"] && carriers(scene, 2)?.is_empty());
        ensure!((gate(scene, 1)?, gate(scene, 2)?) == (Some(true), Some(false)));
        // To another interface: there it has no clients here, but it is where the file says.
        everywhere(scene, |text| {
            text.replace(
                "150/24\"\nnetwork = \"business\"",
                "150/24\"\nnetwork = \"management\"",
            )
        })?;
        ensure!(
            carriers(scene, 1)? == ["mgmt0"],
            "{:?}",
            carriers(scene, 1)?
        );
        everywhere(scene, |text| {
            text.split(TABLE).next().unwrap_or_default().to_owned()
        })?;
        ensure!(carriers(scene, 1)?.is_empty() && gate(scene, 1)?.is_none());
        ensure!(answers(scene).is_err());
        ensure!(counted(scene, 1)? == (3, 0));
        let outage = scene.sight(from_ns)?.outage.context("it answered")?;
        let lease = u64::try_from(scene.cluster.settings().lease().as_nanos())?;
        ensure!(outage.length_ns() < lease, "{} ns", outage.length_ns());
        scene.quiet()?;
        scene.stayed(&calm)
    });
}

#[test]
fn an_address_that_came_by_a_reload_moves_with_mastership() {
    scenario("reload_address_moves", |scene| {
        everywhere(scene, |text| {
            format!("{text}{TABLE}network = \"business\"\n")
        })?;
        scene.quiet()?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(answers(scene)? == 2);
        ensure!(carriers(scene, 1)?.is_empty() && carriers(scene, 2)? == ["biz0"]);
        // One that another node has by an older file goes at once where a newer one says so.
        edit(scene, 2, |text| {
            text.split(TABLE).next().unwrap_or_default().to_owned()
        })?;
        reloads(scene, 2)?;
        ensure!(carriers(scene, 2)?.is_empty() && answers(scene).is_err());
        ensure!(scene.cluster.view().agreed() == Some(2));
        Ok(())
    });
}

#[test]
fn an_address_that_cannot_be_carried_leaves_all_as_it_was() {
    scenario("reload_address_refused", |scene| {
        let good = fs::read_to_string(file(scene, 1, "heartbeatd.toml"))?;
        let calm = scene.calm()?;
        edit(scene, 1, |text| {
            format!("{text}{TABLE}interface = \"nowhere0\"\n").replace("\"5s\"", "\"4s\"")
        })?;
        let why = refuses(scene, 1)?;
        ensure!(why.contains("nowhere0"), "{why}");
        ensure!(gate(scene, 1)?.is_none() && carriers(scene, 1)?.is_empty());
        // An address that changes whom it follows might be on two nodes.
        edit(scene, 1, |text| {
            text.replace("interface = \"nowhere0\"\n", "network = \"business\"\n")
        })?;
        reloads(scene, 1)?;
        edit(scene, 1, |text| {
            text.to_owned() + "follows = { slot = 2 }\n"
        })?;
        let why = refuses(scene, 1)?;
        ensure!(why.contains("203.0.113.150: follows"), "{why}");
        ensure!(counted(scene, 1)? == (1, 2) && answers(scene)? == 1);
        edit(scene, 1, |_| good.clone())?;
        reloads(scene, 1)?;
        scene.stayed(&calm)
    });
}
