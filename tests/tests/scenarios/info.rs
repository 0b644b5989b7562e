//! Dynamic information: what a client was told is stored is in every later master, whoever dies.

use std::fs;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::notebook::{Notebook, Noted};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::contact::Contact;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{Need, lacks};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, scenario, scenario_with};

/// How long clients write between two faults.
const BETWEEN: Duration = Duration::from_millis(300);

#[test]
fn what_was_acknowledged_is_in_every_later_master_however_it_came_to_be() {
    scenario("info_failovers", |scene| failovers(scene, 3));
}

#[test]
fn what_was_acknowledged_outlives_two_hundred_failovers() {
    if lacks("info_two_hundred_failovers", &[Need::Long]) {
        return;
    }
    scenario("info_two_hundred_failovers", |scene| failovers(scene, 50));
}

/// Four kinds of failover in turn, so many times, while clients write through every node.
fn failovers(scene: &mut Scene, times: u32) -> Result<()> {
    serves(scene)?;
    let notebook = Notebook::begin(&scene.cluster.contacts());
    let mut masters = 0;
    for _ in 0..times {
        for fault in [switchover, kill, freeze, death] {
            sleep(BETWEEN);
            let first = scene.cluster.settle()?;
            fault(scene, first)?;
            masters += 1;
            let second = serves(scene)?;
            ensure!(second != first, "mastership did not move from slot {first}");
        }
    }
    sleep(BETWEEN);
    let noted = notebook.end()?;
    let master = serves(scene)?;
    for contact in scene.cluster.contacts() {
        noted
            .check(&contact)
            .with_context(|| format!("slot {}, master {master}", contact.slot))?;
    }
    tell(&noted, masters);
    // A witness that there was something to lose.
    ensure!(
        noted.acknowledged.len() > 100,
        "only {} writes were acknowledged",
        noted.acknowledged.len()
    );
    Ok(())
}

fn tell(noted: &Noted, masters: u32) {
    println!(
        "{masters} failovers: {} writes acknowledged, none lost; {} unknown, {} refused",
        noted.acknowledged.len(),
        noted.unknown.len(),
        noted.refused
    );
}

fn switchover(scene: &mut Scene, first: u16) -> Result<()> {
    scene.cluster.switchover(first, None)
}

fn kill(scene: &mut Scene, first: u16) -> Result<()> {
    scene.cluster.daemon_mut(first).end(Signal::SIGKILL)?;
    scene.next_master(first)?;
    scene.cluster.start_one(first)
}

fn freeze(scene: &mut Scene, first: u16) -> Result<()> {
    scene.cluster.daemon(first).signal(Signal::SIGSTOP)?;
    scene.next_master(first)?;
    scene.cluster.daemon(first).signal(Signal::SIGCONT)
}

fn death(scene: &mut Scene, first: u16) -> Result<()> {
    wire::kill_node(scene.cluster.lab().topology(), first, Death::Silent)?;
    scene.next_master(first)?;
    sleep(scene.cluster.settings().lease());
    wire::heal_node(scene.cluster.lab().topology(), first)
}

/// Waits until the cluster has settled and its master serves dynamic information; gives its slot.
pub(crate) fn serves(scene: &Scene) -> Result<u16> {
    let master = scene.cluster.settle()?;
    stands(scene, master, "serving", |_| true)?;
    Ok(master)
}

/// Waits until the store of `slot` is in this state, and so.
pub(crate) fn stands(
    scene: &Scene,
    slot: u16,
    state: &str,
    is_so: impl Fn(&Value) -> bool,
) -> Result<()> {
    let contact = scene.cluster.daemon(slot).contact();
    let shown = |contact: &Contact| contact.json(&["info", "store", "--json"]);
    scene
        .cluster
        .wait_for(
            &format!("the store of slot {slot} is {state}"),
            PATIENCE,
            |_| {
                let store = shown(&contact).ok()?;
                (store["state"] == state && is_so(&store)).then_some(())
            },
        )
        .with_context(|| format!("{:?}", shown(&contact)))
}

/// What `heartbeatctl info` prints on a node, if it succeeds.
pub(crate) fn info(scene: &Scene, slot: u16, arguments: &[&str]) -> Result<String> {
    let arguments = [&["info"], arguments].concat();
    let output = scene.cluster.daemon(slot).contact().control(&arguments)?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "slot {slot}: {arguments:?}: {error}"
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn any_node_writes_and_reads_through_the_master_and_conditions_hold() {
    scenario("info_by_hand", |scene| {
        serves(scene)?;
        info(scene, 3, &["put", "color", "red", "--if-absent"])?;
        ensure!(info(scene, 2, &["get", "color"])? == "red");
        ensure!(info(scene, 3, &["put", "color", "green", "--if-absent"]).is_err());
        let entry: Value = serde_json::from_str(&info(scene, 1, &["get", "color", "--json"])?)?;
        let revision = entry["revision"].to_string();
        info(
            scene,
            2,
            &["put", "color", "blue", "--if-revision", &revision],
        )?;
        ensure!(
            info(
                scene,
                2,
                &["put", "color", "grey", "--if-revision", &revision]
            )
            .is_err()
        );
        ensure!(
            info(scene, 3, &["put", "heartbeatd/x", "y"]).is_err(),
            "the product's own"
        );
        watched(scene, 3, &revision)?;
        // A copy may lag, and not for long.
        scene
            .cluster
            .wait_for("slot 3 has its own copy", PATIENCE, |_| {
                (info(scene, 3, &["get", "color", "--local"]).ok()? == "blue").then_some(())
            })?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(serves(scene)? == 2);
        ensure!(info(scene, 1, &["get", "color"])? == "blue");
        info(scene, 1, &["delete", "color"])?;
        ensure!(info(scene, 3, &["get", "color"]).is_err());
        Ok(())
    });
}

/// Who watches from that revision on sees what was written behind it, then what comes while it watches, and no other keys.
fn watched(scene: &Scene, slot: u16, revision: &str) -> Result<()> {
    let contact = scene.cluster.daemon(slot).contact();
    let from = revision.to_owned();
    let watching = thread::spawn(move || {
        // It ends when its time is over.
        contact.control(&["info", "watch", "col", "--since", &from])
    });
    sleep(Duration::from_millis(300));
    info(scene, 1, &["put", "dye", "brown"])?;
    info(scene, 2, &["delete", "color"])?;
    info(scene, 1, &["put", "color", "blue"])?;
    let output = watching.join().expect("it only waits")?;
    let seen: Vec<Value> = String::from_utf8(output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let told: Vec<_> = seen
        .iter()
        .map(|it| (&it["key"], &it["value"]["text"]))
        .collect();
    let color = Value::from("color");
    let blue = Value::from("blue");
    let expected = [(&color, &blue), (&color, &Value::Null), (&color, &blue)];
    ensure!(told == expected, "{seen:?}");
    Ok(())
}

#[test]
fn a_new_master_knows_what_the_one_before_saw_and_says_what_is_different_now() {
    scenario("info_chronicle", |scene| {
        serves(scene)?;
        kept(scene, 1, "heartbeatd/view", "\"healthy\"")?;
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        let second = scene.next_master(1)?;
        stands(scene, second, "serving", |_| true)?;
        kept(
            scene,
            second,
            "heartbeatd/history",
            "slot 1 (n1) was healthy and is down",
        )?;
        kept(scene, second, "heartbeatd/view", "\"down\"")?;
        let contact = scene.cluster.daemon(second).contact();
        let history = contact.json(&["history", "--cluster", "--json"])?;
        let masterships = history.as_array().map_or(0, |all| {
            all.iter().filter(|it| it["what"] == "mastership").count()
        });
        ensure!(masterships >= 2, "{history}");
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        ensure!(scene.cluster.settle()? == second);
        kept(scene, second, "heartbeatd/history", "\"cleared\"")
    });
}

/// Waits until what the product keeps under `key` has these words in it.
fn kept(scene: &Scene, slot: u16, key: &str, words: &str) -> Result<()> {
    scene
        .cluster
        .wait_for(&format!("{key} says {words}"), PATIENCE * 2, |_| {
            info(scene, slot, &["get", key])
                .ok()?
                .contains(words)
                .then_some(())
        })
        .with_context(|| format!("{:?}", info(scene, slot, &["get", key])))
}

#[test]
fn it_is_replicated_over_the_business_network_while_the_management_network_fails() {
    scenario("info_business", |scene| {
        serves(scene)?;
        wire::switch(scene.cluster.lab().topology(), Network::Management, false)?;
        scene
            .cluster
            .wait_for("a write by the business network", PATIENCE * 2, |_| {
                info(scene, 2, &["put", "by", "business"]).ok()
            })?;
        wire::switch(scene.cluster.lab().topology(), Network::Management, true)?;
        ensure!(scene.cluster.settle()? == 1);
        ensure!(info(scene, 3, &["get", "by"])? == "business");
        Ok(())
    });
}

#[test]
fn a_store_that_was_lost_counts_only_when_it_is_filled_again() {
    scenario("info_refilled", |scene| {
        serves(scene)?;
        info(scene, 1, &["put", "kept", "through it all"])?;
        scene.cluster.daemon_mut(3).end(Signal::SIGTERM)?;
        fs::remove_file(scene.cluster.daemon(3).state().join("info.redb"))?;
        scene.cluster.start_one(3)?;
        counts(scene, 1, 3)?;
        // It stands in for one that is gone: what it was filled with is what the next master has.
        scene.cluster.daemon_mut(2).end(Signal::SIGTERM)?;
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        scene.cluster.start_one(2)?;
        scene.next_master(1)?;
        scene.cluster.start_one(1)?;
        let master = serves(scene)?;
        ensure!(info(scene, master, &["get", "kept"])? == "through it all");
        Ok(())
    });
}

/// Waits until the master in `master` counts the store of `slot`, and it lacks nothing.
pub(crate) fn counts(scene: &Scene, master: u16, slot: u16) -> Result<()> {
    stands(scene, master, "serving", |store| {
        let holders = store["holders"].as_array().cloned().unwrap_or_default();
        let is_it = |holder: &Value| {
            holder["slot"] == slot
                && holder["counts"] == true
                && holder["state"] == "counts"
                && holder["behind"] == 0
        };
        holders.iter().any(is_it)
    })
}

#[test]
fn two_stores_of_three_that_were_lost_never_pass_for_an_empty_one() {
    scenario_with("info_two_lost", Settings::default(), |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        serves(scene)?;
        info(scene, 1, &["put", "kept", "by one"])?;
        for slot in [1, 2, 3] {
            counts(scene, 1, slot)?;
        }
        for slot in [1, 2, 3] {
            scene.cluster.daemon_mut(slot).end(Signal::SIGTERM)?;
        }
        for slot in [1, 2] {
            fs::remove_file(scene.cluster.daemon(slot).state().join("info.redb"))?;
        }
        for slot in [1, 2] {
            scene.cluster.start_one(slot)?;
        }
        let master = scene
            .cluster
            .wait_for("one of two is master", PATIENCE, |view| {
                view.masters().into_iter().next()
            })?;
        stands(scene, master, "forming", |_| true)?;
        sleep(scene.cluster.settings().lease() * 4);
        stands(scene, master, "forming", |_| true)?;
        ensure!(
            info(scene, master, &["get", "kept"]).is_err(),
            "nothing is served"
        );
        let other = if master == 1 { 2 } else { 1 };
        let force = |slot, cluster| info(scene, slot, &["force", "--cluster", cluster]);
        ensure!(force(other, "lab").is_err(), "no master");
        ensure!(force(master, "bal").is_err(), "no such cluster");
        force(master, "lab")?;
        stands(scene, master, "serving", |_| true)?;
        info(scene, master, &["put", "new", "begin"])?;
        // What the third one had gives way, and is kept.
        scene.cluster.start_one(3)?;
        scene
            .cluster
            .wait_for("slot 3 has what was begun", PATIENCE, |_| {
                (info(scene, 3, &["get", "new", "--local"]).ok()? == "begin").then_some(())
            })?;
        let kept = fs::read_dir(scene.cluster.daemon(3).state().join("info-given-way"))?;
        let kept: Vec<String> = kept
            .map(|file| Ok(fs::read_to_string(file?.path())?))
            .collect::<Result<_>>()?;
        ensure!(kept.len() == 1 && kept[0].contains("by one"), "{kept:?}");
        Ok(())
    });
}
