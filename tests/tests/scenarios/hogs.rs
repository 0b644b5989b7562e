//! Busy processors cost no failover.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::hog;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario};

#[test]
fn hogs_at_nice_0_on_every_processor_cost_no_failover() {
    scenario("hogs_nice", |scene| busy(scene, None));
}

#[test]
fn real_time_hogs_below_the_daemon_on_every_processor_cost_no_failover() {
    // Below the lookers-on too, who would otherwise see nothing.
    scenario("hogs_fifo", |scene| busy(scene, Some(30)));
}

fn busy(scene: &mut Scene, fifo: Option<u8>) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let from_ns = boot_ns();
    let hogs = hog::start(
        scene.cluster.lab(),
        scene.cluster.lab().topology().node(1),
        fifo,
    )?;
    std::thread::sleep(Duration::from_secs(3));
    drop(hogs);
    ensure!(scene.cluster.settle()? == 1);
    ensure!(scene.moves(from_ns)?.is_empty());
    ensure!(
        scene.cluster.view().epoch() == Some(epoch),
        "the mastership is still the same"
    );
    ensure!(
        scene.answers_of(1, from_ns)? > 1_000,
        "and it was served meanwhile"
    );
    Ok(())
}
