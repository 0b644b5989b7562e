//! Daemons are killed and started again, over and over: never two answer, and nothing piles up.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use heartbeat_tests::lab::contact::Contact;
use heartbeat_tests::lab::inventory::Inventory;
use heartbeat_tests::paths;
use heartbeat_tests::skip::{Need, lacks};
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario};

/// How long the kernel may take to free what nobody holds any more, and a daemon to replace its programs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A thread that a daemon had for something that blocks ends 10 s after its last work (tokio's default).
const IDLE: Duration = Duration::from_secs(11);

#[test]
fn daemons_killed_and_started_again_leave_nothing_behind_and_never_answer_beside_another() {
    if lacks("killed_again", &[Need::Bpftool]) {
        return;
    }
    scenario("killed_again", |scene| again_and_again(scene, 5));
}

#[test]
fn fifty_times_each() {
    if lacks("killed_again_fifty_times", &[Need::Bpftool, Need::Long]) {
        return;
    }
    scenario("killed_again_fifty_times", |scene| {
        again_and_again(scene, 50)
    });
}

fn again_and_again(scene: &mut Scene, times: u32) -> Result<()> {
    // A first round: from here on all of them run on maps that were kept.
    kill_each(scene)?;
    sleep(IDLE);
    let before = settled(scene)?;
    for _ in 0..times {
        kill_each(scene)?;
    }
    same_again(scene, &before).context("something piled up")?;
    println!(
        "killed and started each of {} daemons {times} times; before and after: {} programs, {} maps, {} links, {} \
         pins, {} addresses, threads {:?}, descriptors {:?}",
        scene.cluster.settings().plan.nodes,
        before.programs,
        before.maps,
        before.links,
        before.pins.len(),
        before.addresses.len(),
        before.threads,
        before.descriptors
    );
    nothing_is_left_after_the_end(scene)
}

/// Kills and starts the master's daemon, then each slave's, each when the cluster has settled.
fn kill_each(scene: &mut Scene) -> Result<()> {
    let master = scene.cluster.settle()?;
    let slots: Vec<u16> = scene.cluster.lab().topology().slots().collect();
    let slaves = slots.into_iter().filter(|slot| *slot != master);
    for slot in [master].into_iter().chain(slaves) {
        scene.cluster.daemon_mut(slot).end(Signal::SIGKILL)?;
        scene.cluster.start_one(slot)?;
        scene.cluster.settle()?;
    }
    Ok(())
}

/// The inventory when it does not change any more, with slot 1 as master.
fn settled(scene: &mut Scene) -> Result<Inventory> {
    let begun = Instant::now();
    loop {
        scene.settle_on_1()?;
        let first = Inventory::take(&scene.cluster)?;
        sleep(Duration::from_secs(3));
        let second = Inventory::take(&scene.cluster)?;
        if first == second {
            return Ok(first);
        }
        ensure!(begun.elapsed() < PATIENCE, "{first:#?} became {second:#?}");
    }
}

fn same_again(scene: &mut Scene, before: &Inventory) -> Result<()> {
    let begun = Instant::now();
    loop {
        let after = settled(scene)?;
        if after == *before {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "{before:#?} became {after:#?}");
    }
}

/// After an orderly stop and `heartbeatctl detach` the nodes are as if no daemon had ever run.
fn nothing_is_left_after_the_end(scene: &mut Scene) -> Result<()> {
    let slots: Vec<u16> = scene.cluster.lab().topology().slots().collect();
    for slot in &slots {
        let code = scene.cluster.daemon_mut(*slot).end(Signal::SIGTERM)?;
        ensure!(code == Some(0), "slot {slot} ended with {code:?}");
    }
    for slot in &slots {
        detach(scene, *slot)?;
    }
    let begun = Instant::now();
    loop {
        let left = Inventory::take(&scene.cluster)?;
        let own = left.addresses.iter().filter(|line| !is_own(line)).count();
        if left.has_nothing_in_the_kernel() && own == 0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("left behind: {left:#?}");
        }
        sleep(Duration::from_millis(100));
    }
}

/// An address that the lab gave the node, or the kernel itself.
fn is_own(line: &str) -> bool {
    line.contains(" lo ")
        || line.contains("inet6 fe80:")
        || line.contains("inet 198.51.100.") && !line.contains("239.")
        || line.contains("inet 203.0.113.") && !line.contains("203.0.113.100")
}

fn detach(scene: &Scene, slot: u16) -> Result<()> {
    let pins = scene.cluster.daemon(slot).pins().display().to_string();
    let Contact { socket, .. } = scene.cluster.daemon(slot).contact();
    let mut command = std::process::Command::new(paths::program("heartbeatctl")?);
    command
        .arg("--control")
        .arg(socket)
        .args(["detach", "--bpf-dir", &pins]);
    let node = scene.cluster.lab().topology().node(slot);
    let status = node.spawn(&mut command)?.wait()?;
    ensure!(status.success(), "slot {slot}: detach ended with {status}");
    Ok(())
}
