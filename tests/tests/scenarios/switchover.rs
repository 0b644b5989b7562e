//! Mastership moves by order.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario};

#[test]
fn a_switchover_moves_the_address_to_the_named_slot_without_waiting_for_the_lease() {
    scenario("switchover", to_the_named_slot);
}

pub(crate) fn to_the_named_slot(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    scene.cluster.switchover(1, Some(3))?;
    ensure!(scene.next_master(1)? == 3);
    scene.expect(1, "slave", "slot 3")?;
    ensure!(scene.cluster.settle()? == 3);
    sleep(Duration::from_millis(200));
    moved_once(
        &scene.sight(fault_ns)?,
        1,
        3,
        scene.cluster.settings().lease(),
    )
}

#[test]
fn a_switchover_without_a_name_goes_to_the_successor_and_back() {
    scenario("switchover_back", |scene| {
        let fault_ns = boot_ns();
        scene.cluster.switchover(1, None)?;
        ensure!(scene.next_master(1)? == 2);
        ensure!(scene.cluster.settle()? == 2);
        sleep(Duration::from_millis(300));
        moved_once(
            &scene.sight(fault_ns)?,
            1,
            2,
            scene.cluster.settings().lease(),
        )?;
        let again_ns = boot_ns();
        scene.cluster.switchover(2, None)?;
        ensure!(
            scene.next_master(2)? == 1,
            "the lowest healthy slot is the successor"
        );
        ensure!(scene.cluster.settle()? == 1);
        sleep(Duration::from_millis(200));
        // The look back over the second one begins after the first one ended.
        moved_once(
            &scene.sight(again_ns)?,
            2,
            1,
            scene.cluster.settings().lease(),
        )
    });
}

#[test]
fn a_switchover_to_a_slot_that_cannot_become_master_is_refused_and_moves_nothing() {
    scenario("switchover_refused", |scene| {
        let fault_ns = boot_ns();
        scene
            .cluster
            .daemon_mut(3)
            .end(nix::sys::signal::Signal::SIGKILL)?;
        scene.diagnosed(1, 3, "daemon_stalled")?;
        for bad in [3, 9] {
            ensure!(
                scene.cluster.switchover(1, Some(bad)).is_err(),
                "a switchover to slot {bad} was not refused"
            );
        }
        sleep(Duration::from_millis(300));
        ensure!(scene.moves(fault_ns)?.is_empty());
        scene.reason_of(1, "master").map(drop)
    });
}
