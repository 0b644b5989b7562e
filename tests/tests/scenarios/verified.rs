//! Another member looks who answers for the address.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::addresses::{BRIDGE, Network, VIRTUAL_ADDRESS, mac_text};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::port::{ALL, Direction, Wear};
use heartbeat_tests::lab::view::View;
use heartbeat_tests::skip::{Need, lacks};
use serde_json::Value;

use crate::scene::{Scene, scenario};

/// From the takeover to its verification: the first question and the time in which answers are collected,
/// on a busy machine.
const SOON: Duration = Duration::from_secs(2);

pub(crate) fn verified(view: &View, slot: u16) -> Option<Value> {
    let verified = view.of(slot)?["virtual_addresses"][0]["verified"].clone();
    (!verified.is_null()).then_some(verified)
}

pub(crate) fn alarms(view: &View, slot: u16) -> Vec<(String, String)> {
    let all = view.of(slot).and_then(|status| status["alarms"].as_array());
    let text = |alarm: &Value, key: &str| alarm[key].as_str().unwrap_or_default().to_owned();
    all.into_iter()
        .flatten()
        .map(|alarm| (text(alarm, "name"), text(alarm, "text")))
        .collect()
}

#[test]
fn after_a_takeover_another_member_sees_the_new_master_answer_and_history_has_the_step() {
    scenario("verified", |scene| {
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let found = scene
            .cluster
            .wait_for("the takeover is verified", SOON, |view| {
                verified(view, 2).filter(|it| it["ours"] == true)
            })?;
        ensure!(found["by_slot"] == 3, "not the first master: {found}");
        let mac = mac_text(Network::Business.mac(2));
        ensure!(found["answered_by"] == serde_json::json!([mac]), "{found}");
        ensure!(alarms(&scene.cluster.view(), 2).is_empty());
        ensure!(
            verified(&scene.cluster.view(), 1).is_none(),
            "a slave shows none"
        );
        let after = verified_after(scene, 2)?;
        println!("verified {after:?} after the announcement");
        ensure!(after < SOON);
        let explained = scene.cluster.daemon(2).contact().control(&["explain"])?;
        let text = String::from_utf8_lossy(&explained.stdout).into_owned();
        ensure!(
            text.contains("Slot 3 (n3) saw it answered by this node"),
            "{text}"
        );
        Ok(())
    });
}

/// How long after the announcement the last takeover of the daemon in `slot` was verified.
fn verified_after(scene: &Scene, slot: u16) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        let contact = scene.cluster.daemon(slot).contact();
        let history = contact.json(&["history", "--json"])?;
        let takeovers = history.as_array().context("a list")?.iter();
        let last = takeovers
            .filter_map(|entry| entry.get("takeover"))
            .next_back();
        let stamp = |name: &str| last.and_then(|stamps| stamps[name].as_u64());
        if let (Some(announced), Some(verified)) = (stamp("announced_ns"), stamp("verified_ns")) {
            return Ok(Duration::from_nanos(verified - announced));
        }
        ensure!(begun.elapsed() < SOON, "no such step in {history}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stranger_that_holds_the_address_is_an_alarm_that_names_it_until_it_is_gone() {
    scenario("duplicate_address", |scene| {
        // The business network's gateway, of all machines.
        let gateway = scene.cluster.lab().topology().bridge(Network::Business);
        let name = gateway.name().to_owned();
        let address = format!("{VIRTUAL_ADDRESS}/32");
        run(
            "ip",
            &["-netns", &name, "addr", "add", &address, "dev", "br0"],
        )?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let text = scene
            .cluster
            .wait_for("the duplicate address is an alarm", SOON, |view| {
                let named = |(name, _): &(String, String)| name == "duplicate_address";
                alarms(view, 2).into_iter().find(named)
            })?
            .1;
        let mac = mac_text(Network::Business.mac(BRIDGE));
        for part in [mac.as_str(), "203.0.113.100", "biz0"] {
            ensure!(text.contains(part), "{part} is missing in {text:?}");
        }
        run(
            "ip",
            &["-netns", &name, "addr", "del", &address, "dev", "br0"],
        )?;
        scene
            .cluster
            .wait_for("the alarm is cleared", PATIENCE, |view| {
                alarms(view, 2).is_empty().then_some(())
            })?;
        ensure!(verified(&scene.cluster.view(), 2).is_some_and(|it| it["ours"] == true));
        Ok(())
    });
}

#[test]
fn a_stranger_that_takes_the_address_on_a_quiet_day_is_found_within_a_minute() {
    if lacks("duplicate_address_on_a_quiet_day", &[Need::Long]) {
        return;
    }
    scenario("duplicate_address_on_a_quiet_day", |scene| {
        let ours = |view: &View| verified(view, 1).filter(|it| it["ours"] == true);
        scene.cluster.wait_for("it is verified", SOON, ours)?;
        let gateway = scene.cluster.lab().topology().bridge(Network::Business);
        let name = gateway.name().to_owned();
        let address = format!("{VIRTUAL_ADDRESS}/32");
        let begun = Instant::now();
        run(
            "ip",
            &["-netns", &name, "addr", "add", &address, "dev", "br0"],
        )?;
        let a_minute = Duration::from_secs(62);
        scene
            .cluster
            .wait_for("the duplicate address is an alarm", a_minute, |view| {
                let named = |(name, _): &(String, String)| name == "duplicate_address";
                alarms(view, 1).iter().any(named).then_some(())
            })?;
        println!("found after {:?}", begun.elapsed());
        Ok(())
    });
}

#[test]
fn an_address_that_nobody_sees_answered_is_announced_again_and_then_an_alarm() {
    scenario("takeover_unverified", |scene| {
        // The next master sends and hears heartbeats, and is dumb on the business network.
        let topology = scene.cluster.lab().topology();
        let port = topology.port(2, Network::Business);
        port.wear(
            Direction::FromNode,
            Wear {
                lost: ALL,
                doubled: 0,
            },
        )?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let text = scene
            .cluster
            .wait_for("the takeover stays unverified", PATIENCE, |view| {
                let named = |(name, _): &(String, String)| name == "takeover_unverified";
                alarms(view, 2).into_iter().find(named)
            })?
            .1;
        ensure!(text.contains("answered by nobody"), "{text}");
        let topology = scene.cluster.lab().topology();
        topology
            .port(2, Network::Business)
            .wear(Direction::FromNode, Wear::default())?;
        scene
            .cluster
            .wait_for("the alarm is cleared", PATIENCE, |view| {
                let named = |(name, _): &(String, String)| name == "takeover_unverified";
                (!alarms(view, 2).iter().any(named)).then_some(())
            })
    });
}
