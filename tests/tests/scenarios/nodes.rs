//! `heartbeatctl nodes`: asked of every daemon over the links between them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, scenario};

/// Every node answers or fails within a second; the rest is the machine's.
const SOON: Duration = Duration::from_secs(3);
/// When a link that carries nothing any more is surely gone.
const FOUND_DEAD: Duration = Duration::from_secs(4);

/// What the daemon in `slot` says of every node.
fn nodes(scene: &Scene, slot: u16) -> Result<Vec<Value>> {
    let contact = scene.cluster.daemon(slot).contact();
    let output = contact.control(&["nodes", "--json"])?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "slot {slot}: {complaint}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Waits until the daemon in `slot` has an answer of all of these, and of nobody else.
fn answered(scene: &Scene, slot: u16, wanted: &[u64]) -> Result<Vec<Value>> {
    let what = format!("slot {slot} has answers of {wanted:?}");
    scene.cluster.wait_for(&what, PATIENCE, |_| {
        let nodes = nodes(scene, slot).ok()?;
        let answered = nodes.iter().filter(|node| node["answered"] == true);
        let slots: Vec<u64> = answered.filter_map(|node| node["slot"].as_u64()).collect();
        (slots == wanted).then_some(nodes)
    })
}

fn interface<'a>(node: &'a Value, name: &str) -> Result<&'a Value> {
    let all = node["facts"]["interfaces"].as_array().context("a list")?;
    let found = all.iter().find(|interface| interface["name"] == name);
    found.with_context(|| format!("{name} in {all:?}"))
}

#[test]
fn every_node_says_what_it_is_and_a_lost_one_is_shown_as_it_last_was() {
    scenario("nodes", |scene| {
        let before = answered(scene, 1, &[1, 2, 3])?;
        for node in &before {
            let facts = &node["facts"];
            ensure!(facts["slot"] == node["slot"], "{node}");
            ensure!(facts["configuration"] == before[0]["facts"]["configuration"]);
            for key in ["host", "version", "kernel", "booted_at"] {
                let text = facts[key].as_str().context("a text")?;
                ensure!(!text.is_empty(), "{key} of {node}");
            }
            let management = interface(node, "mgmt0")?;
            ensure!(management["network"] == "management", "{management}");
            ensure!(management["driver"]["name"] == "veth", "{management}");
            ensure!(management["xdp"].is_string(), "{management}");
            ensure!(interface(node, "biz0")?["network"] == "business");
        }
        scene.cluster.daemon_mut(2).end(Signal::SIGKILL)?;
        scene.cluster.daemon(3).signal(Signal::SIGSTOP)?;
        let begun = Instant::now();
        let after = nodes(scene, 1)?;
        let took = begun.elapsed();
        println!("with one killed and one frozen, `nodes` took {took:?}");
        ensure!(took < SOON, "{took:?}");
        ensure!(after[0]["answered"] == true, "{after:?}");
        for (lost, was) in after.iter().zip(&before).skip(1) {
            ensure!(lost["answered"] == false, "{lost}");
            ensure!(lost["facts"] == was["facts"], "{lost}");
            ensure!(lost["age_us"].as_u64().context("known")? > 0, "{lost}");
        }
        let fault = |node: &Value| node["fault"].as_str().unwrap_or_default().to_owned();
        ensure!(fault(&after[1]).contains("refused"), "{}", after[1]);
        ensure!(!fault(&after[2]).is_empty(), "{}", after[2]);
        println!("killed: {}\nfrozen: {}", fault(&after[1]), fault(&after[2]));
        scene.cluster.daemon(3).signal(Signal::SIGCONT)?;
        scene.cluster.start_one(2)?;
        answered(scene, 1, &[1, 2, 3])?;
        Ok(())
    });
}

#[test]
fn the_business_network_carries_links_while_the_management_network_is_cut() {
    scenario("links_over_business", |scene| {
        answered(scene, 1, &[1, 2, 3])?;
        let linked_over = |network: &str| links_of_1(scene, network);
        let business = "Business";
        ensure!(linked_over("Management") > 0);
        wire::cut(scene.cluster.lab().topology(), 3, Network::Management)?;
        let cut = Instant::now();
        answered(scene, 1, &[1, 2, 3])?;
        // A link that stood over the management network is found dead first. While the daemons start, one of the two may
        // have called the other over the business network already.
        while linked_over(business) == 0 || cut.elapsed() < FOUND_DEAD {
            answered(scene, 1, &[1, 2, 3])?;
            ensure!(
                cut.elapsed() < PATIENCE,
                "no link over the business network"
            );
        }
        println!(
            "linked over the business network {:?} after the cut",
            cut.elapsed()
        );
        wire::heal(scene.cluster.lab().topology(), 3, Network::Management)?;
        answered(scene, 1, &[1, 2, 3])?;
        ensure!(scene.cluster.settle()? == 1);
        Ok(())
    });
}

/// Links of slot 1 that were made over this network so far: whoever called the other one says so.
fn links_of_1(scene: &Scene, network: &str) -> usize {
    let said = |slot: u16| {
        let log = scene.cluster.daemon(slot).log();
        let lines = log.lines().filter(|line| {
            line.contains(&format!("network={network}"))
                && (line.contains("linked slot=1 ") || (slot == 1 && line.contains("linked slot=")))
        });
        lines.count()
    };
    (1..=3).map(said).sum()
}
