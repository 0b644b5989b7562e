//! Period and multiplier are raised and lowered while the cluster works.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;

use super::{edit, refuses, reloads, scenario_among};
use crate::scene::Scene;

/// A period and the periods in a lease.
type Times = (Duration, u16);

/// What the lab's clusters begin with.
const FIRST: Times = (Duration::from_millis(10), 5);
const LONGER: Times = (Duration::from_millis(25), 8);
const TOO_LONG: Times = (Duration::from_millis(100), 5);
const SHORTER: Times = (Duration::from_millis(8), 5);

/// Has a node go by other times.
fn retime(scene: &Scene, slot: u16, from: Times, to: Times) -> Result<()> {
    write(scene, slot, from, to)?;
    reloads(scene, slot)
}

fn write(scene: &Scene, slot: u16, from: Times, to: Times) -> Result<()> {
    let lines = |(period, multiplier): Times| {
        format!(
            "period = \"{}us\"\ndetect_multiplier = {multiplier}\n",
            period.as_micros()
        )
    };
    edit(scene, slot, |text| text.replace(&lines(from), &lines(to)))
}

const fn lease_us((period, multiplier): Times) -> u64 {
    period.as_micros() as u64 * multiplier as u64
}

/// Waits until the master's lease has more left than the shorter of the two could have.
fn outlives(scene: &Scene, least: Duration) -> Result<()> {
    scene
        .cluster
        .wait_for("the master's lease is longer", PATIENCE, |view| {
            let left = view.of(1)?["lease_remaining_us"].as_u64()?;
            (u128::from(left) > least.as_micros()).then_some(())
        })
}

#[test]
fn times_are_raised_and_lowered_node_by_node_and_no_mastership_ends() {
    let settings = Settings {
        period: FIRST.0,
        detect_multiplier: FIRST.1,
        max_lease: Some(Duration::from_millis(400)),
        ..Settings::default()
    };
    scenario_among("reload_times", settings, |scene| {
        let calm = scene.calm()?;
        too_long(scene)?;
        for slot in 1..=3 {
            retime(scene, slot, FIRST, LONGER)?;
        }
        // The witness: no lease of the first times has so much left.
        outlives(scene, FIRST.0 * u32::from(FIRST.1))?;
        for slot in [2, 3, 1] {
            retime(scene, slot, LONGER, SHORTER)?;
        }
        scene
            .cluster
            .wait_for("all go by the shorter lease", PATIENCE, |view| {
                let goes_by = |slot| Some(view.of(slot)?["lease_us"] == lease_us(SHORTER));
                let all = (1..=3).map(goes_by).collect::<Option<Vec<bool>>>()?;
                all.iter().all(|it| *it).then_some(())
            })?;
        scene.stayed(&calm)?;
        sleep(Duration::from_millis(300));
        fails_over(scene)
    });
}

/// A lease that no elector would grant: above the file's `max_lease`, and above that in force when the file has a longer one.
fn too_long(scene: &Scene) -> Result<()> {
    write(scene, 1, FIRST, TOO_LONG)?;
    let why = refuses(scene, 1)?;
    ensure!(why.contains("max_lease is shorter than the lease"), "{why}");
    let (short, long) = ("max_lease = \"400000us\"", "max_lease = \"900000us\"");
    edit(scene, 1, |text| text.replace(short, long))?;
    let why = refuses(scene, 1)?;
    ensure!(
        why.contains("longer than max_lease of 400000 us in the saved electors' set"),
        "{why}"
    );
    edit(scene, 1, |text| text.replace(long, short))?;
    write(scene, 1, TOO_LONG, FIRST)
}

/// The master dies, and its slaves wait for as long as its last probe named.
fn fails_over(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
    let master = scene.next_master(1)?;
    let events = scene.events(master)?;
    let taken = events.iter().rev().find_map(|event| event.get("takeover"));
    let taken = taken.context("its history has the takeover")?;
    let stamp = |key: &str| {
        taken[key]
            .as_u64()
            .with_context(|| format!("no {key}: {taken}"))
    };
    let granted_us = (stamp("orphaned_ns")? - stamp("last_probe_ns")?) / 1_000;
    ensure!(
        granted_us == lease_us(SHORTER),
        "granted for {granted_us} us, not {}",
        lease_us(SHORTER)
    );
    println!(
        "elected {:.1} ms after the fault",
        (stamp("elected_ns")? - fault_ns) as f64 / 1e6
    );
    Ok(())
}
