//! Two nodes alone: what stands for the absent one, and who is master after what.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::reference;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::{Evidence, Settings};
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, moved_once, scenario_in, scenario_with};

/// How long a fault lasts that must move nothing.
const FAULT: Duration = Duration::from_secs(2);

/// What the log says of another guarantee.
const CHANGED: &str = "what keeps a second master away has changed";

/// Longest outage of a failover by evidence that a busy test machine may make of two leases and some milliseconds.
fn four_leases(scene: &Scene) -> Duration {
    scene.cluster.settings().lease() * 4
}

/// Waits until the daemon in `slot` says that this guarantee is in force.
pub(crate) fn guaranteed(scene: &Scene, slot: u16, guarantee: &str) -> Result<()> {
    let what = format!("slot {slot} says {guarantee:?} is its guarantee");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        (view.of(slot)?.get("guarantee")? == guarantee).then_some(())
    })
}

/// Whether the daemon in `slot` ever took that role.
pub(crate) fn has_been(scene: &Scene, slot: u16, role: &str) -> Result<bool> {
    let changes = scene.history(slot)?;
    Ok(changes.iter().any(|change| change["to"] == role))
}

#[test]
fn two_that_never_ran_begin_with_the_lower_slot() {
    scenario_with("pair_first_boot", Settings::PAIR, |scene| {
        scene.cluster.start_all()?;
        ensure!(scene.cluster.settle()? == 1);
        ensure!(has_been(scene, 1, "is_master")? && !has_been(scene, 2, "is_master")?);
        guaranteed(scene, 1, "quorum")?;
        guaranteed(scene, 2, "quorum")?;
        sleep(Duration::from_millis(300));
        ensure!(scene.answers_of(1, 0)? > 20);
        ensure!(scene.answers_of(2, 0)? == 0);
        Ok(())
    });
}

#[test]
fn after_a_crash_of_both_the_last_master_is_master_again() {
    scenario_in("pair_both_crashed", Settings::PAIR, |scene| {
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        // The record of it is written behind the pulse.
        sleep(Duration::from_millis(300));
        for slot in [1, 2] {
            scene.cluster.daemon_mut(slot).end(Signal::SIGKILL)?;
        }
        sleep(Duration::from_millis(500));
        scene.cluster.start_all()?;
        ensure!(scene.cluster.settle()? == 2);
        ensure!(has_been(scene, 2, "is_master")?);
        Ok(())
    });
}

#[test]
fn a_master_that_dies_is_followed_by_evidence_and_follows_when_it_is_back() {
    for death in [Death::Loud, Death::Silent] {
        scenario_in("pair_node_death", Settings::PAIR, |scene| {
            let fault_ns = boot_ns();
            wire::kill_node(scene.cluster.lab().topology(), 1, death)?;
            ensure!(scene.next_master(1)? == 2);
            guaranteed(scene, 2, "evidence")?;
            scene.expect(2, "master", "slot 1 is silent")?;
            // It has lost the reference too, so it is the one that is cut off.
            scene.steps_down(1, "")?;
            sleep(Duration::from_millis(300));
            ensure!(!scene.has_address(1)?, "slot 1 removed the address");
            wire::heal_node(scene.cluster.lab().topology(), 1)?;
            ensure!(scene.cluster.settle()? == 2);
            guaranteed(scene, 2, "quorum")?;
            sleep(Duration::from_millis(200));
            let at_most = four_leases(scene);
            moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)
        });
    }
}

#[test]
fn a_slave_that_dies_costs_nothing() {
    scenario_in("pair_slave_death", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        wire::kill_node(scene.cluster.lab().topology(), 2, Death::Silent)?;
        guaranteed(scene, 1, "evidence")?;
        scene
            .cluster
            .hold("slot 1 is no master any more", FAULT, |view| {
                (view.role(1) != Some("master")).then(|| view.role(1).map(str::to_owned))
            })?;
        ensure!(
            !has_been(scene, 2, "master")?,
            "cut off, it took mastership"
        );
        wire::heal_node(scene.cluster.lab().topology(), 2)?;
        scene.stayed(&calm)?;
        guaranteed(scene, 1, "quorum")?;
        let log = scene.cluster.daemon(1).log();
        let changes = log.lines().filter(|line| line.contains(CHANGED));
        let logged: Vec<_> = changes
            .filter_map(|line| line.split_once("guarantee=")?.1.split('"').nth(1))
            .collect();
        ensure!(logged.ends_with(&["evidence", "quorum"]), "{logged:?}");
        Ok(())
    });
}

#[test]
fn a_management_link_that_is_cut_moves_nothing_while_the_business_network_works() {
    scenario_in("pair_management_cut", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        wire::cut(scene.cluster.lab().topology(), 2, Network::Management)?;
        scene.degraded(true)?;
        scene.diagnosed(1, 2, "management_fault")?;
        sleep(FAULT);
        wire::heal(scene.cluster.lab().topology(), 2, Network::Management)?;
        scene.degraded(false)?;
        scene.stayed(&calm)
    });
}

#[test]
fn a_killed_daemon_whose_kernel_answers_is_followed() {
    scenario_in("pair_kill", Settings::PAIR, |scene| {
        let fault_ns = boot_ns();
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        let shut_ns = scene.shut_from_ns()?;
        ensure!(scene.next_master(1)? == 2);
        scene.expect(2, "master", "slot 1 is silent")?;
        // The dead daemon's kernel grants the new master's probes.
        guaranteed(scene, 2, "quorum")?;
        sleep(Duration::from_millis(500));
        ensure!(
            scene.answers_of(1, shut_ns)? == 0,
            "slot 1 answered after its lease"
        );
        let at_most = four_leases(scene);
        moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)?;
        scene.cluster.start_one(1)?;
        ensure!(scene.cluster.settle()? == 2);
        guaranteed(scene, 2, "quorum")
    });
}

#[test]
fn a_frozen_daemon_is_followed_and_follows_when_it_runs_again() {
    scenario_in("pair_freeze", Settings::PAIR, |scene| {
        let fault_ns = boot_ns();
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        let shut_ns = scene.shut_from_ns()?;
        sleep(FAULT);
        ensure!(scene.next_master(1)? == 2);
        scene.cluster.daemon(1).signal(Signal::SIGCONT)?;
        ensure!(scene.cluster.settle()? == 2);
        sleep(Duration::from_millis(200));
        ensure!(
            scene.answers_of(1, shut_ns)? == 0,
            "slot 1 answered after its lease"
        );
        let at_most = four_leases(scene);
        moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)
    });
}

#[test]
fn a_reference_that_is_lost_alone_moves_nothing() {
    scenario_in("pair_reference_lost", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        reference::answers(scene.cluster.lab().topology(), false)?;
        sleep(FAULT);
        reference::answers(scene.cluster.lab().topology(), true)?;
        scene.stayed(&calm)
    });
}

#[test]
fn without_peer_and_reference_nobody_serves_until_one_of_them_is_back() {
    scenario_in("pair_cut_off", Settings::PAIR, |scene| {
        reference::answers(scene.cluster.lab().topology(), false)?;
        wire::kill_node(scene.cluster.lab().topology(), 2, Death::Silent)?;
        let shut_ns = scene.shut_from_ns()?;
        scene.steps_down(1, "")?;
        scene.cluster.hold("somebody is master", FAULT, |view| {
            view.masters().first().copied()
        })?;
        ensure!(
            scene.answers_of(1, shut_ns)? == 0,
            "slot 1 answered without a lease"
        );
        reference::answers(scene.cluster.lab().topology(), true)?;
        scene
            .cluster
            .wait_for("slot 1 is master by evidence", PATIENCE, |view| {
                (view.role(1) == Some("master")).then_some(())
            })?;
        guaranteed(scene, 1, "evidence")?;
        wire::heal_node(scene.cluster.lab().topology(), 2)?;
        ensure!(scene.cluster.settle()? == 1);
        guaranteed(scene, 1, "quorum")
    });
}

#[test]
fn a_node_whose_peer_never_comes_serves_alone_and_the_peer_follows_it() {
    for (alone, later) in [(1, 2), (2, 1)] {
        scenario_with("pair_alone", Settings::PAIR, |scene| {
            scene.cluster.start_one(alone)?;
            scene
                .cluster
                .wait_for("it is master alone", PATIENCE, |view| {
                    (view.role(alone) == Some("master")).then_some(())
                })?;
            guaranteed(scene, alone, "evidence")?;
            sleep(Duration::from_millis(300));
            ensure!(scene.answers_of(alone, 0)? > 20);
            scene.cluster.start_one(later)?;
            ensure!(scene.cluster.settle()? == alone);
            guaranteed(scene, alone, "quorum")
        });
    }
}

#[test]
fn a_fence_command_that_succeeds_is_what_the_guarantee_says() {
    let settings = Settings {
        pair: Some(Evidence::Fence("/bin/true")),
        ..Settings::PAIR
    };
    scenario_in("pair_fenced", settings, |scene| {
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        ensure!(scene.next_master(1)? == 2);
        guaranteed(scene, 2, "fenced")?;
        ensure!(scene.told(2, "fenced: the peer is off") == 1);
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        ensure!(scene.cluster.settle()? == 2);
        guaranteed(scene, 2, "quorum")
    });
}

#[test]
fn while_the_fence_command_fails_nobody_takes_the_peers_place() {
    let settings = Settings {
        pair: Some(Evidence::Fence("/bin/false")),
        ..Settings::PAIR
    };
    scenario_in("pair_fence_fails", settings, |scene| {
        wire::part(scene.cluster.lab().topology(), true)?;
        scene
            .cluster
            .wait_for("the alarm is raised", PATIENCE, |_| {
                let alarms = scene.alarms(2).ok()?;
                alarms.contains(&"fence_failed".to_owned()).then_some(())
            })?;
        scene.cluster.hold("slot 2 is master", FAULT, |view| {
            (view.role(2) == Some("master")).then_some(())
        })?;
        // It was run more than once: a command that failed is tried again.
        ensure!(scene.told(2, "fence command /bin/false ended with exit code 1") >= 2);
        wire::part(scene.cluster.lab().topology(), false)?;
        scene.cluster.settle()?;
        scene.quiet()
    });
}
