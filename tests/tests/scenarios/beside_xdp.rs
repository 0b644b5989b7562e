//! Somebody else's XDP program is on every node's management interface, and heartbeats are answered behind it.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aya::programs::XdpMode;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::classifiers::classifiers;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::other_xdp::{self, OtherXdp, xdp_on};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::{Made, Plan};
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, moved_once, scenario_with, two_leases};

/// How long a master is frozen.
const FROZEN: Duration = Duration::from_secs(2);

#[test]
fn behind_a_program_in_the_driver_all_goes_on_as_ever() {
    play("beside_xdp_native", XdpMode::Driver);
}

#[test]
fn and_behind_one_in_generic_mode() {
    play("beside_xdp_generic", XdpMode::Skb);
}

fn play(name: &str, mode: XdpMode) {
    if skip::lacks(name, &[Need::Tcx]) {
        return;
    }
    // A lease that a busy machine does not lose by itself: the verifier is at work three times over.
    let settings = Settings {
        detect_multiplier: 20,
        plan: Plan {
            // Nothing is insisted on.
            management: Made::Veth,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        let topology = scene.cluster.lab().topology();
        let others: Vec<OtherXdp> = topology
            .slots()
            .map(|slot| OtherXdp::attach(topology.node(slot), "mgmt0", mode))
            .collect::<Result<_>>()?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is_beside(scene, slot)?;
        }
        restarts(scene)?;
        freeze(scene)?;
        dies(scene)?;
        stop(scene)?;
        drop(others);
        Ok(())
    });
}

/// The responder is at tcx ingress of the management interface, at XDP on the other one, and says so.
fn is_beside(scene: &Scene, slot: u16) -> Result<()> {
    scene
        .cluster
        .wait_for(&format!("slot {slot} is beside it"), PATIENCE, |view| {
            let status = view.of(slot)?;
            let modes = ["datapath", "business_datapath"].map(|key| status[key]["mode"].as_str());
            (modes == [Some("tc"), Some("generic")]).then_some(())
        })?;
    ensure!(
        scene.told(slot, "another XDP program is on the interface") > 0,
        "slot {slot} names who is there"
    );
    Ok(())
}

/// Both roles restart: the old program answers until the new one takes its place.
fn restarts(scene: &mut Scene) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let start_ns = boot_ns();
    for slot in [1, 2] {
        let renewed = scene.told(slot, "kernel programs replaced");
        let code = scene.cluster.daemon_mut(slot).end(Signal::SIGUSR2)?;
        ensure!(code == Some(0), "it ended with {code:?}");
        scene.cluster.start_one(slot)?;
        ensure!(scene.cluster.settle()? == 1, "slot 1 stays master");
        scene
            .cluster
            .wait_for("its programs are replaced", PATIENCE, |_| {
                (scene.told(slot, "kernel programs replaced") > renewed).then_some(())
            })?;
        is_beside(scene, slot)?;
        ensure!(
            at_mgmt0(scene, slot)? == 3,
            "both sides of the gate and one responder"
        );
    }
    ensure!(
        scene.cluster.view().epoch() == Some(epoch),
        "one mastership"
    );
    ensure!(scene.moves(start_ns)?.is_empty(), "the address stayed");
    Ok(())
}

/// The master's daemon is frozen: its kernel goes on telling the truth about it, from behind the other program.
fn freeze(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
    let shut_ns = scene.shut_from_ns()?;
    sleep(FROZEN);
    let second = scene.next_master(1)?;
    ensure!(second == 2, "the lowest healthy slot follows, not {second}");
    scene.diagnosed(2, 1, "daemon_stalled")?;
    scene.cluster.daemon(1).signal(Signal::SIGCONT)?;
    ensure!(scene.cluster.settle()? == 2);
    sleep(Duration::from_millis(300));
    ensure!(
        scene.answers_of(1, shut_ns)? == 0,
        "slot 1 answered after its lease"
    );
    moved_once(&scene.sight(fault_ns)?, 1, 2, two_leases(scene))
}

/// The next master's machine dies.
fn dies(scene: &mut Scene) -> Result<()> {
    sleep(Duration::from_millis(300));
    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 2, Death::Silent)?;
    let third = scene.next_master(2)?;
    sleep(Duration::from_millis(300));
    moved_once(&scene.sight(fault_ns)?, 2, third, two_leases(scene))?;
    wire::heal_node(scene.cluster.lab().topology(), 2)?;
    ensure!(scene.cluster.settle()? == third);
    Ok(())
}

/// After an orderly end nothing of ours is there, and the other program still is.
fn stop(scene: &mut Scene) -> Result<()> {
    ensure!(at_mgmt0(scene, 3)? == 3, "the witness: ours are there");
    for slot in 1..=3 {
        let code = scene.cluster.daemon_mut(slot).end(Signal::SIGTERM)?;
        ensure!(code == Some(0), "it ended with {code:?}");
        ensure!(
            at_mgmt0(scene, slot)? == 0,
            "slot {slot} left nothing of its own"
        );
        let node = scene.cluster.lab().topology().node(slot);
        let there = xdp_on(node, "mgmt0")?.map(|program| program.name);
        ensure!(
            there.as_deref() == Some(other_xdp::NAME),
            "{there:?} is on mgmt0 of slot {slot}"
        );
    }
    Ok(())
}

/// How many programs are at the tcx of the management interface.
fn at_mgmt0(scene: &Scene, slot: u16) -> Result<usize> {
    let node = scene.cluster.lab().topology().node(slot);
    Ok(node.run(|| classifiers("mgmt0"))?.len())
}
