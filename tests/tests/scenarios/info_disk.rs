//! A store whose disk is full: the others go on without it, and its node follows the master only when it has caught up.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::mounted::Mounted;
use heartbeat_tests::lab::settings::Settings;

use crate::info::{counts, info, serves, stands};
use crate::scene::{Scene, scenario_with};

const SMALL: &str = "size=8m";
const LARGER: &str = "size=64m";
/// A program's argument has at most 128 KiB (execve(2)).
const VALUE: usize = 100 << 10;
/// Values that the disk surely has no room for.
const MOST: u32 = 80;

#[test]
fn a_full_disk_costs_one_copy_and_its_node_follows_the_master_only_when_it_has_caught_up() {
    scenario_with("info_full_disk", Settings::default(), |scene| {
        let folder = scene.cluster.daemon(2).state();
        let disk = Mounted::tmpfs(&folder, SMALL)?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        ensure!(serves(scene)? == 1);
        for slot in [2, 3] {
            counts(scene, 1, slot)?;
        }
        follows(scene, 2)?;
        let calm = scene.calm()?;
        let filler = folder.join("filler");
        fill(&filler)?;
        let written = write_until_full(scene)?;
        info(scene, 3, &["put", "after", "it was full"])?;
        follows(scene, 3)?;
        scene.stayed(&calm)?;
        disk.remount(LARGER)?;
        fs::remove_file(filler)?;
        info(scene, 3, &["put", "after", "there was room"])?;
        counts(scene, 1, 2)?;
        follows(scene, 2)?;
        scene.stayed(&calm)?;
        scene.cluster.switchover(1, None)?;
        ensure!(serves(scene)? == 2);
        for number in 0..written {
            ensure!(info(scene, 2, &["get", &key(number)])?.len() >= VALUE);
        }
        ensure!(info(scene, 2, &["get", "after"])? == "there was room");
        Ok(())
    });
}

fn key(number: u32) -> String {
    format!("value/{number}")
}

/// Leaves no room on the disk that this file is on.
pub(crate) fn fill(file: &Path) -> Result<()> {
    let mut filler = fs::File::create(file)?;
    let page = [0; 4096];
    loop {
        match filler.write_all(&page) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => bail!("cannot fill the disk: {error}"),
        }
    }
}

/// Writes values until the store of slot 2 has no room for them; each is acknowledged. How many.
fn write_until_full(scene: &Scene) -> Result<u32> {
    let value = "v".repeat(VALUE);
    for number in 0..MOST {
        info(scene, 1, &["put", &key(number), &value])?;
        let store = scene
            .cluster
            .daemon(2)
            .contact()
            .json(&["info", "store", "--json"])?;
        if !store["disk"].is_null() {
            stands(scene, 2, "following", |store| store["disk"] == "full")?;
            return Ok(number + 1);
        }
    }
    bail!("{MOST} values found room on slot 2")
}

/// Waits until the master in slot 1 says that this one follows it.
fn follows(scene: &Scene, slot: u16) -> Result<()> {
    let contact = scene.cluster.daemon(1).contact();
    let named = || {
        contact
            .json(&["status", "--json"])
            .map(|status| status["successor_slot"].clone())
    };
    scene
        .cluster
        .wait_for(&format!("slot {slot} follows"), PATIENCE, |_| {
            (named().ok()? == slot).then_some(())
        })
        .with_context(|| format!("{:?} does", named()))
}
