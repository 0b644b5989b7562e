//! Nine electors, and members beyond them.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use serde_json::Value;

use crate::scene::{Scene, scenario_with};

/// Twelve nodes share this machine's processors, so they keep a slower pace.
const TWELVE: Settings = Settings {
    plan: Plan {
        nodes: 12,
        ..Plan::DEFAULT
    },
    period: Duration::from_millis(50),
    ..Settings::DEFAULT
};

#[test]
fn of_twelve_members_nine_are_electors_and_the_others_are_seen_and_never_master() {
    scenario_with("twelve_members", TWELVE, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let status = scene.cluster.view().of(1).cloned().context("it answers")?;
        let electors: Vec<u64> = (1..=9).collect();
        ensure!(
            status["electors"] == serde_json::json!(electors),
            "{status}"
        );
        ensure!(status["majority"] == 5, "{status}");
        not_electable(scene, 11)?;
        wire::kill_node(scene.cluster.lab().topology(), 12, Death::Silent)?;
        scene.diagnosed(1, 12, "down")?;
        scene.diagnosed(5, 12, "down")?;
        // Four of nine electors may go, the master among them.
        for slot in [1, 7, 8, 9] {
            wire::kill_node(scene.cluster.lab().topology(), slot, Death::Silent)?;
        }
        ensure!(scene.next_master(1)? == 2);
        sleep(scene.cluster.settings().lease() * 2);
        scene.expect(2, "master", "majority of electors voted")?;
        for slot in [1, 7, 8, 9, 12] {
            wire::heal_node(scene.cluster.lab().topology(), slot)?;
        }
        ensure!(scene.cluster.settle()? == 2);
        scene.cluster.switchover(2, Some(9))?;
        ensure!(scene.cluster.settle()? == 9);
        Ok(())
    });
}

fn not_electable(scene: &Scene, slot: u16) -> Result<()> {
    let reason = |view: &View| -> Option<Value> {
        let status = view.of(slot)?;
        (status["electable"] == false).then(|| status["not_electable"].clone())
    };
    let reason =
        scene
            .cluster
            .wait_for("a member beyond the electors says why", PATIENCE, reason)?;
    ensure!(reason == "not_elector", "{reason}");
    Ok(())
}
