//! Two nodes that were down: what their disks say, and what a machine that comes back does.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::reference;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::settings::Settings;
use nix::sys::signal::Signal;

use crate::pair::{guaranteed, has_been};
use crate::scene::{Scene, scenario_in};

/// The machine of that slot goes down without warning: its links, its daemon, its maps and its addresses are gone.
pub(crate) fn crash(scene: &mut Scene, slot: u16) -> Result<()> {
    wire::kill_node(scene.cluster.lab().topology(), slot, Death::Silent)?;
    let daemon = scene.cluster.daemon_mut(slot);
    daemon.end(Signal::SIGKILL)?;
    fs::remove_dir_all(daemon.pins())?;
    drop_address(scene, slot)
}

/// A reboot takes the address too. As long as a node without its gate has it, it answers.
pub(crate) fn drop_address(scene: &Scene, slot: u16) -> Result<()> {
    if !scene.has_address(slot)? {
        return Ok(());
    }
    let settings = scene.cluster.settings();
    let node = scene.cluster.lab().topology().node(slot).name();
    let address = format!("{}/32", settings.virtual_address());
    let words = [
        "-netns",
        node,
        "addr",
        "del",
        &address,
        "dev",
        settings.carrier(),
    ];
    run("ip", &words).map(drop)
}

/// It is up again, its daemon before its links.
pub(crate) fn boot(scene: &mut Scene, slot: u16) -> Result<()> {
    scene.cluster.start_one(slot)?;
    wire::heal_node(scene.cluster.lab().topology(), slot)
}

#[test]
fn two_that_were_both_slaves_compare_and_the_last_master_serves() {
    scenario_in("pair_both_slaves", Settings::PAIR, |scene| {
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        // A stop in order hands over first, so both end as slaves.
        ensure!(scene.cluster.daemon_mut(2).end(Signal::SIGTERM)? == Some(0));
        scene
            .cluster
            .wait_for("slot 1 is master", PATIENCE, |view| {
                (view.role(1) == Some("master")).then_some(())
            })?;
        ensure!(scene.cluster.daemon_mut(1).end(Signal::SIGTERM)? == Some(0));
        let battles = |scene: &Scene| -> Result<bool> {
            Ok(has_been(scene, 1, "battle_master")? || has_been(scene, 2, "battle_master")?)
        };
        // Who comes up first goes by no evidence until the other one is there.
        reference::answers(scene.cluster.lab().topology(), false)?;
        scene.cluster.start_all()?;
        ensure!(scene.cluster.settle()? == 1, "who was active last");
        reference::answers(scene.cluster.lab().topology(), true)?;
        ensure!(battles(scene)?, "neither asked who was active later");
        guaranteed(scene, 1, "quorum")
    });
}

#[test]
fn a_slave_that_boots_after_a_crash_follows() {
    scenario_in("pair_slave_boots", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        crash(scene, 2)?;
        guaranteed(scene, 1, "evidence")?;
        sleep(Duration::from_millis(500));
        boot(scene, 2)?;
        scene.stayed(&calm)?;
        guaranteed(scene, 1, "quorum")?;
        ensure!(!has_been(scene, 2, "master")?);
        Ok(())
    });
}

#[test]
fn a_master_that_boots_after_a_crash_follows_who_took_its_place() {
    scenario_in("pair_master_boots", Settings::PAIR, |scene| {
        crash(scene, 1)?;
        ensure!(scene.next_master(1)? == 2);
        guaranteed(scene, 2, "evidence")?;
        boot(scene, 1)?;
        ensure!(scene.cluster.settle()? == 2);
        guaranteed(scene, 2, "quorum")
    });
}

#[test]
fn two_that_boot_after_a_crash_of_both_go_on_with_the_last_master() {
    scenario_in("pair_both_boot", Settings::PAIR, |scene| {
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        // The record of it is written behind the pulse.
        sleep(Duration::from_millis(300));
        for slot in [1, 2] {
            crash(scene, slot)?;
        }
        for slot in [1, 2] {
            boot(scene, slot)?;
        }
        ensure!(scene.cluster.settle()? == 2);
        ensure!(has_been(scene, 2, "is_master")?);
        Ok(())
    });
}
