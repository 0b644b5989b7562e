//! The master's daemon is killed; its kernel and its service go on.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, moved_once, scenario, two_leases};

#[test]
fn a_killed_masters_address_answers_no_more_from_there_though_nobody_removed_it() {
    scenario("kill", killed);
}

pub(crate) fn killed(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
    let shut_ns = scene.shut_from_ns()?;
    let second = scene.next_master(1)?;
    sleep(Duration::from_millis(500));
    ensure!(second == 2, "the lowest healthy slot follows, not {second}");
    ensure!(
        scene.has_address(1)?,
        "the address is still on the dead daemon's node: nobody removed it"
    );
    ensure!(
        scene.answers_of(1, shut_ns)? == 0,
        "slot 1 answered after its lease"
    );
    moved_once(&scene.sight(fault_ns)?, 1, 2, two_leases(scene))?;
    scene.expect(2, "master", "majority of electors voted")?;
    // Its kernel answers on, truthfully.
    scene.diagnosed(2, 1, "daemon_stalled")?;
    came_back(scene)
}

/// The daemon starts again: it finds its stale address, removes it, and follows.
fn came_back(scene: &mut Scene) -> Result<()> {
    let back_ns = boot_ns();
    scene.cluster.start_one(1)?;
    ensure!(scene.cluster.settle()? == 2);
    scene.expect(1, "slave", "slot 2 probes as master")?;
    ensure!(!scene.has_address(1)?, "the stale address was removed");
    ensure!(scene.moves(back_ns)?.is_empty());
    Ok(())
}
