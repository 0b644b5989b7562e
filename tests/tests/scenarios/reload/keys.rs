//! A key is replaced while masters are lost.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::counters;
use heartbeat_tests::lab::settings::key_text;
use heartbeat_tests::lab::view::View;
use heartbeat_wire::verdict::Verdict;
use nix::sys::signal::Signal;

use super::{file, refuses, reloads, scenario};
use crate::scene::Scene;

const NEW: &str = "900dbee5900dbee5900dbee5900dbee5900dbee5900dbee5900dbee5900dbee5";

/// Has a node's key file hold these keys.
fn hold(scene: &Scene, slot: u16, keys: &[&str]) -> Result<()> {
    Ok(fs::write(
        file(scene, slot, "cluster.key"),
        keys.join("\n"),
    )?)
}

/// Frames that the nodes refused for their tags.
fn unauthentic(scene: &Scene) -> Result<u64> {
    let of = |slot| counters::responder(scene.cluster.daemon(slot).pins(), Verdict::Unauthentic);
    (1..=3).map(of).sum()
}

/// Control datagrams that the nodes dropped for their keys.
fn dropped(scene: &Scene) -> usize {
    (1..=3)
        .map(|slot| scene.told(slot, "which this node's key file does not have"))
        .sum()
}

/// Kills the master's daemon, waits for the next one, and starts it again.
fn fail_over(scene: &mut Scene) -> Result<()> {
    let master = scene.cluster.settle()?;
    let lost = |scene: &Scene| (1..=3).map(|slot| scene.lost(slot)).sum::<Result<usize>>();
    let before = lost(scene)?;
    scene.cluster.daemon_mut(master).end(Signal::SIGKILL)?;
    scene.next_master(master)?;
    scene.cluster.start_one(master)?;
    scene.cluster.settle()?;
    ensure!(
        lost(scene)? == before,
        "no mastership but the killed one's ended"
    );
    Ok(())
}

#[test]
fn a_key_is_replaced_in_three_steps_while_masters_are_lost_and_no_frame_is_refused() {
    scenario("reload_keys", |scene| {
        let old = key_text();
        hold(scene, 2, &[NEW])?;
        let why = refuses(scene, 2)?;
        ensure!(why.contains("three steps"), "{why}");
        hold(scene, 2, &[NEW, &old])?;
        let why = refuses(scene, 2)?;
        ensure!(
            why.contains("three steps"),
            "nobody else accepts it yet: {why}"
        );
        for (step, keys) in [&[&old, NEW][..], &[NEW, &old], &[NEW]].iter().enumerate() {
            for slot in [3, 1, 2] {
                hold(scene, slot, keys)?;
                reloads(scene, slot)?;
                fail_over(scene).with_context(|| format!("step {step}, slot {slot}"))?;
            }
        }
        ensure!(unauthentic(scene)? == 0, "{}", unauthentic(scene)?);
        ensure!(dropped(scene) == 0);
        let master = scene.cluster.settle()?;
        // The old one is worth nothing now.
        let other = if master == 3 { 2 } else { 3 };
        hold(scene, other, &[&old])?;
        scene.cluster.daemon_mut(other).end(Signal::SIGKILL)?;
        scene.cluster.start_one(other)?;
        scene.diagnosed(master, other, "down")?;
        ensure!(unauthentic(scene)? > 0);
        hold(scene, other, &[NEW])?;
        scene.cluster.daemon_mut(other).end(Signal::SIGKILL)?;
        scene.cluster.start_one(other)?;
        scene
            .cluster
            .wait_for("it is back", PATIENCE * 2, View::settled)?;
        Ok(())
    });
}
