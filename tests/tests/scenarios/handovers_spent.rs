//! A service that fails wherever it goes: mastership is handed on as often as is allowed, and then stays.

use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario_with};
use crate::services::{is, may_be_master, signal, start};

/// Each of the two may hand on twice.
const TWICE: Settings = Settings {
    more: Some(
        r#"
[handovers]
most = 2
[[service]]
name = "web"
process = { pid_file = "{node}/web.pid" }
interval = "100ms"
"#,
    ),
    ..Settings::PAIR
};

/// How long mastership must stay.
const HELD: Duration = Duration::from_millis(1_500);

/// Why a master hands on.
const FAILED: &str = "a service of this node failed";

/// How often the daemon in `slot` handed mastership on because its service failed.
fn handed_on(scene: &Scene, slot: u16) -> Result<usize> {
    let changes = scene.history(slot)?;
    let is_that = |change: &&serde_json::Value| {
        let reason = change["reason"].as_str().unwrap_or_default();
        change["from"] == "master" && reason.contains(FAILED)
    };
    Ok(changes.iter().filter(is_that).count())
}

/// Starts the service of a node again, which may be master then.
fn cure(scene: &Scene, slot: u16) -> Result<()> {
    start(scene, slot)?;
    is(scene, slot, "healthy")?;
    may_be_master(scene, slot)
}

#[test]
fn what_fails_on_every_node_in_turn_is_handed_on_so_often_and_then_held_with_an_alarm() {
    scenario_with("handovers_spent", TWICE, |scene| {
        for slot in [1, 2] {
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in [1, 2] {
            is(scene, slot, "healthy")?;
            may_be_master(scene, slot)?;
        }
        let fault_ns = boot_ns();
        for (turn, master) in [1, 2, 1, 2].into_iter().enumerate() {
            signal(scene, master, Signal::SIGKILL)?;
            ensure!(scene.next_master(master)? == 3 - master);
            cure(scene, master)?;
            ensure!(scene.cluster.settle()? == 3 - master);
            ensure!(handed_on(scene, master)? == turn / 2 + 1);
        }
        let told =
            |name: &str| -> Result<bool> { Ok(scene.alarms(1)?.iter().any(|it| it == name)) };
        ensure!(!told("handovers_spent")?, "twice is allowed");

        signal(scene, 1, Signal::SIGKILL)?;
        is(scene, 1, "lost")?;
        scene
            .cluster
            .wait_for("the alarm is raised", PATIENCE, |_| {
                told("handovers_spent").ok()?.then_some(())
            })?;
        ensure!(told("service_fault")?);
        // The other one could serve, and is not asked to.
        ensure!(scene.cluster.view().diagnosis(1, 2) == Some("healthy"));
        scene.cluster.hold("mastership moved", HELD, |view| {
            (view.masters() != [1]).then(|| view.masters())
        })?;
        ensure!((handed_on(scene, 1)?, handed_on(scene, 2)?) == (2, 2));
        let moves = scene.moves(fault_ns)?;
        ensure!(moves.len() == 4, "{moves:?}");

        // An operator's word is no handover of its own, and moves it at once.
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        cure(scene, 1)?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}
