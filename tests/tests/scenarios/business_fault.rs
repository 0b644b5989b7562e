//! The business network with nothing watched on it: who is cut off from it is found out, and a master hands over.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_core::config::Timing;
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario_in};

const QUIET_DAY: Duration = Duration::from_secs(10);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(700);

/// From a fault until it is found, at most.
fn found() -> Duration {
    QUIET_DAY + Timing::BUSINESS_ANSWER * Timing::BUSINESS_QUESTIONS + SLACK
}

/// From when a master doubts its own side until it has asked the others often enough.
fn settled() -> Duration {
    Timing::BUSINESS_ANSWER * (Timing::BUSINESS_QUESTIONS + 1)
}

/// Waits until the daemon in `by` finds that of the member in `of`, for as long as the docs say.
fn diagnosed(scene: &Scene, by: u16, of: u16, diagnosis: &str) -> Result<()> {
    let what = format!("slot {by} finds slot {of} {diagnosis}");
    scene.cluster.wait_for(&what, found() + settled(), |view| {
        (view.diagnosis(by, of) == Some(diagnosis)).then_some(())
    })
}

/// How many lines say that alarm of this member, raised or cleared, in all logs.
fn alarms(scene: &Scene, what: &str, slot: u16) -> usize {
    let line = format!("alarm {what} alarm=Member({slot}, BusinessFault)");
    (1..=3).map(|of| scene.told(of, &line)).sum()
}

fn well(view: &View, slot: u16) -> bool {
    view.diagnosis(1, slot) == Some("healthy")
}

#[test]
fn a_slave_cut_off_from_the_business_network_is_told_once_and_is_not_the_successor() {
    scenario_in("business_fault_slave", Settings::default(), |scene| {
        let calm = scene.calm()?;
        wire::cut(scene.cluster.lab().topology(), 2, Network::Business)?;
        for by in [1, 3, 2] {
            diagnosed(scene, by, 2, "business_fault")?;
        }
        let view = scene.cluster.view();
        let status = view.of(1).context("it answers")?;
        let member = &status["members"][1];
        for (key, words) in [
            ("cause", "none of 5 questions in a row"),
            ("since", "T"),
            ("cure", "business link"),
        ] {
            let said = member[key].as_str().unwrap_or_default();
            ensure!(said.contains(words), "{key}: {member}");
        }
        ensure!(status["successor_slot"] == 3, "{status}");
        // A slave shows it as its master's word.
        let what = "slot 3 knows the cause";
        scene.cluster.wait_for(what, PATIENCE, |view| {
            let told = view.member(3, 2)?;
            let is_told = told["told_at"].is_string() && told["since"].is_string();
            (is_told && told["cause"] == member["cause"]).then_some(())
        })?;
        ensure!(scene.alarms(1)?.contains(&"business_fault".to_owned()));
        wire::heal(scene.cluster.lab().topology(), 2, Network::Business)?;
        scene.quiet()?;
        ensure!(well(&scene.cluster.view(), 2));
        ensure!((alarms(scene, "raised", 2), alarms(scene, "cleared", 2)) == (1, 1));
        scene.stayed(&calm)
    });
}

/// The master is cut off in this way; `at_most` is what clients may wait.
fn master_is_cut_off(name: &str, cut: fn(&Scene) -> Result<()>, at_most: fn() -> Duration) {
    scenario_in(name, Settings::default(), |scene| {
        let fault_ns = boot_ns();
        cut(scene)?;
        // What clients saw is judged below.
        let what = "slot 2 is master";
        (scene.cluster).wait_for(what, at_most() + PATIENCE, |view| {
            (view.masters() == [2]).then_some(())
        })?;
        scene.steps_down(1, "not reachable over the business network")?;
        diagnosed(scene, 2, 1, "business_fault")?;
        sleep(Duration::from_millis(300));
        moved_once(&scene.sight(fault_ns)?, 1, 2, at_most())?;
        wire::heal(scene.cluster.lab().topology(), 1, Network::Business)?;
        scene.quiet()?;
        ensure!(scene.cluster.settle()? == 2, "no second move");
        ensure!((alarms(scene, "raised", 1), alarms(scene, "cleared", 1)) == (1, 1));
        ensure!(alarms(scene, "raised", 2) + alarms(scene, "raised", 3) == 0);
        Ok(())
    });
}

#[test]
fn a_master_cut_off_behind_its_switch_port_hands_over_once_to_a_node_that_others_reach() {
    let cut = |scene: &Scene| wire::cut(scene.cluster.lab().topology(), 1, Network::Business);
    master_is_cut_off("business_fault_master", cut, || found() + settled());
}

#[test]
fn a_master_whose_business_cable_is_pulled_hands_over_within_three_seconds() {
    let cut = |scene: &Scene| wire::unplug(scene.cluster.lab().topology(), 1, Network::Business);
    master_is_cut_off("business_fault_unplugged", cut, || Duration::from_secs(3));
}

#[test]
fn the_business_switch_gone_moves_nothing_and_is_told_of_every_node() {
    scenario_in("business_fault_switch", Settings::default(), |scene| {
        let calm = scene.calm()?;
        let topology = scene.cluster.lab().topology();
        wire::switch(topology, Network::Business, false)?;
        // The witness: the master found out, and asked the others.
        for slot in 1..=3 {
            diagnosed(scene, 1, slot, "business_fault")?;
        }
        sleep(Duration::from_secs(1));
        ensure!(scene.cluster.view().masters() == [1]);
        wire::switch(scene.cluster.lab().topology(), Network::Business, true)?;
        scene.quiet()?;
        scene.stayed(&calm)
    });
}
