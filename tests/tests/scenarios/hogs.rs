//! Busy processors cost no failover.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::hog;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario, scenario_with};

#[test]
fn hogs_at_nice_0_on_every_processor_cost_no_failover() {
    scenario("hogs_nice", |scene| busy(scene, None));
}

#[test]
fn real_time_hogs_below_the_daemon_on_every_processor_cost_no_failover_within_the_detect_time() {
    // The kernel gives ordinary tasks that real-time ones starve 50 ms of every second, before any
    // real-time task (the fair server, Linux 6.12; before it, throttling). So no period can be kept for
    // up to 50 ms, whoever hogs; a lease must be longer than that.
    let settings = Settings {
        detect_multiplier: 20,
        ..Settings::default()
    };
    scenario_with("hogs_fifo", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        // Below the lookers-on too, who would otherwise see nothing.
        busy(scene, Some(30))
    });
}

fn busy(scene: &mut Scene, fifo: Option<u8>) -> Result<()> {
    let before = scene.cluster.settle()?;
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let from_ns = boot_ns();
    let hogs = hog::start(
        scene.cluster.lab(),
        scene.cluster.lab().topology().node(1),
        fifo,
    )?;
    std::thread::sleep(Duration::from_secs(3));
    drop(hogs);
    let after = scene.cluster.settle()?;
    let moves = scene.moves(from_ns)?;
    ensure!(moves.is_empty() && after == before, "{moves:?}");
    ensure!(
        scene.cluster.view().epoch() == Some(epoch),
        "the mastership is still the same"
    );
    ensure!(
        scene.answers_of(before, from_ns)? > 1_000,
        "and it was served meanwhile"
    );
    Ok(())
}
