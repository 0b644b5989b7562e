//! The two of a pair reload while they are parted, and when they hear each other again.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use super::{SERVICE, counted, edit, reloads, scenario_among, services};
use crate::pair::guaranteed;
use crate::scene::{Scene, moved_once};

/// Tells both to reload, again and again.
fn storm(scene: &Scene, lasts: Duration) {
    let step = Duration::from_millis(5);
    for _ in 0..lasts.as_millis() / step.as_millis() {
        for slot in [1, 2] {
            // Both run all the while.
            let _ = scene.cluster.daemon(slot).signal(Signal::SIGHUP);
        }
        sleep(step);
    }
}

/// Both have reloaded what their files say.
fn have_reloaded(scene: &Scene) -> Result<()> {
    for slot in [1, 2] {
        reloads(scene, slot)?;
        ensure!(
            counted(scene, slot)?.0 > 1,
            "slot {slot} did not reload before"
        );
        ensure!(services(scene, slot).context("it answers")?.len() == 1);
    }
    Ok(())
}

#[test]
fn a_pair_that_reloads_while_it_is_parted_decides_as_ever() {
    scenario_among("reload_pair_parted", Settings::PAIR, |scene| {
        for slot in [1, 2] {
            edit(scene, slot, |text| text.to_owned() + SERVICE)?;
        }
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        storm(scene, Duration::from_millis(100));
        ensure!(scene.next_master(1)? == 2);
        guaranteed(scene, 2, "evidence")?;
        let most = scene.cluster.settings().lease() * 4;
        moved_once(&scene.sight(fault_ns)?, 1, 2, most)?;
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        storm(scene, Duration::from_millis(100));
        have_reloaded(scene)?;
        ensure!(scene.cluster.settle()? == 2);
        guaranteed(scene, 2, "quorum")?;
        scene.quiet()
    });
}
