//! Daemons are restarted as for an upgrade: mastership stays where it is.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::control::rfc3339;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario_with};

/// What a history says of a lease that was taken up.
const TAKEN_UP: &str = "restarted, lease taken up";

#[test]
fn planned_restarts_of_each_node_in_turn_keep_mastership_and_its_epoch() {
    play("planned_restart", 10);
}

#[test]
fn a_hundred_of_each() {
    if lacks("planned_restart_hundred_times", &[Need::Long]) {
        return;
    }
    play("planned_restart_hundred_times", 300);
}

fn play(name: &str, times: u16) {
    scenario_with(name, Settings::DEFAULT, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        restarts(scene, times)
    });
}

/// Restarts one node after the other, so many times in all, as a service manager would.
fn restarts(scene: &mut Scene, times: u16) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let start_ns = boot_ns();
    let mut taken_up_ms = Vec::new();
    for time in 0..times {
        let slot = time % scene.cluster.settings().plan.nodes + 1;
        let signal = (time / 3) % 2 == 0;
        let begun = restart(scene, slot, signal)?;
        ensure!(scene.cluster.settle()? == 1, "slot 1 stays master");
        if slot == 1 {
            taken_up_ms.push(taken_up_after(scene, begun)?);
        }
        sleep(Duration::from_millis(100));
    }
    ensure!(
        scene.cluster.view().epoch() == Some(epoch),
        "one mastership"
    );
    let sight = scene.sight(start_ns)?;
    ensure!(
        sight.moves.is_empty(),
        "the address stayed: {:?}",
        sight.moves
    );
    println!(
        "{times} planned restarts: from exec to the lease taken up {taken_up_ms:?} ms; the client's longest time \
         without an answer {:.1} ms",
        sight.outage_ms().unwrap_or(f64::NAN)
    );
    Ok(())
}

/// Has the daemon of `slot` make room, by a signal or by command, and starts the next one as soon as it is
/// gone; returns when that was.
fn restart(scene: &mut Scene, slot: u16, signal: bool) -> Result<SystemTime> {
    let daemon = scene.cluster.daemon_mut(slot);
    let code = if signal {
        daemon.end(Signal::SIGUSR2)?
    } else {
        let output = daemon.contact().control(&["restart"])?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && said.contains("restarting"),
            "{output:?}"
        );
        daemon.wait(PATIENCE)?
    };
    ensure!(code == Some(0), "it ended with {code:?}");
    let begun = SystemTime::now();
    scene.cluster.start_one(slot)?;
    Ok(begun)
}

/// Milliseconds from `begun` until the daemon of slot 1 took its lease up, by its history.
fn taken_up_after(scene: &Scene, begun: SystemTime) -> Result<u128> {
    let history = scene
        .cluster
        .daemon(1)
        .contact()
        .json(&["history", "--json"])?;
    let last = history.as_array().and_then(|changes| changes.last());
    let last = last.context("its history has entries")?;
    ensure!(
        last["to"] == "master" && last["reason"] == TAKEN_UP,
        "the last entry is {last}"
    );
    let at = last["at"].as_str().unwrap_or_default();
    for ms in 0..2_000 {
        if rfc3339(begun + Duration::from_millis(ms)) == at {
            return Ok(ms.into());
        }
    }
    bail!(
        "it was taken up at {at}, which is not soon after {}",
        rfc3339(begun)
    )
}
