//! A slave is a client of the address like any other machine.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario};

#[test]
fn a_slave_reaches_the_master_by_the_address_and_the_next_master_after_a_failover() {
    scenario("client_on_slave", reaches);
}

pub(crate) fn reaches(scene: &mut Scene) -> Result<()> {
    ensure!(who_answers(scene, 3)? == 1);
    ensure!(who_answers(scene, 2)? == 1);
    scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(100));
    ensure!(who_answers(scene, 3)? == 2, "also after the failover");
    scene.cluster.start_one(1)?;
    ensure!(scene.cluster.settle()? == 2);
    ensure!(
        who_answers(scene, 1)? == 2,
        "the first master is a client now"
    );
    Ok(())
}

/// Which node answers the one in `from` by the virtual address.
fn who_answers(scene: &Scene, from: u16) -> Result<u16> {
    let node = scene.cluster.lab().topology().node(from);
    scene.who_answers(node, scene.cluster.settings().virtual_address())
}
