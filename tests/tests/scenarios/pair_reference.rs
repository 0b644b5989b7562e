//! The reference of a pair is lost for one of the two, or for both, while no link fails: unwatched, and watched as a
//! service.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::filter;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{Need, lacks};

use crate::pair::guaranteed;
use crate::scene::{Scene, scenario_in};
use crate::services::{is, may_be_master, service};

/// The pair's reference is looked at all the time.
const WATCHED: Settings = Settings {
    more: Some(
        "[[service]]\nname = \"clients\"\nreference = [\"203.0.113.254\"]\ninterval = \"100ms\"\n",
    ),
    ..Settings::PAIR
};

/// How long it is lost where that must move nothing.
const FAULT: Duration = Duration::from_millis(700);

/// The node in `slot` does not reach the reference any more.
fn lose(scene: &Scene, slot: u16) -> Result<()> {
    let node = scene.cluster.lab().topology().node(slot);
    filter::drop_echo(node, scene.cluster.settings().reference())
}

/// It reaches it again.
fn find(scene: &Scene, slot: u16) -> Result<()> {
    filter::pass(scene.cluster.lab().topology().node(slot))
}

#[test]
fn lost_for_one_or_for_both_it_moves_nothing_until_the_other_one_dies_too() {
    if lacks("pair_reference_unwatched", &[Need::Nft]) {
        return;
    }
    scenario_in("pair_reference_unwatched", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        for lost in [&[1][..], &[2], &[1, 2]] {
            lost.iter().try_for_each(|slot| lose(scene, *slot))?;
            sleep(FAULT);
            for slot in [1, 2] {
                // It is asked only when the other one is silent, so nobody knows.
                let alarms = scene.alarms(slot)?;
                ensure!(
                    alarms.is_empty(),
                    "slot {slot}, lost for {lost:?}: {alarms:?}"
                );
                guaranteed(scene, slot, "quorum")?;
            }
            scene.degraded(false)?;
            scene.stayed(&calm)?;
            if lost.len() < 2 {
                lost.iter().try_for_each(|slot| find(scene, *slot))?;
            }
        }
        // The witness: it is lost, and whoever needs it now is cut off.
        wire::kill_node(scene.cluster.lab().topology(), 2, Death::Silent)?;
        scene.steps_down(1, "the reference does not answer: this node is cut off")?;
        find(scene, 1)?;
        scene.reason_of(1, "master")?;
        guaranteed(scene, 1, "evidence")
    });
}

#[test]
fn watched_it_hands_a_master_on_that_lost_it_alone_and_says_so_when_both_did() {
    if lacks("pair_reference_watched", &[Need::Nft]) {
        return;
    }
    scenario_in("pair_reference_watched", WATCHED, |scene| {
        for slot in [1, 2] {
            is(scene, slot, "healthy")?;
        }
        lose(scene, 1)?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(1, "a service of this node failed")?;
        says_so(scene, 1)?;
        guaranteed(scene, 2, "quorum")?;
        ensure!(service(scene, 2)?["state"] == "healthy");
        find(scene, 1)?;
        is(scene, 1, "healthy")?;
        may_be_master(scene, 1)?;

        let before = scene.role_changes(2)?;
        for slot in [1, 2] {
            lose(scene, slot)?;
        }
        for slot in [1, 2] {
            is(scene, slot, "lost")?;
            says_so(scene, slot)?;
        }
        sleep(FAULT);
        ensure!(scene.role_changes(2)? == before, "slot 2 stays master");
        // The master first: who reaches it alone takes over.
        for slot in [2, 1] {
            find(scene, slot)?;
            is(scene, slot, "healthy")?;
        }
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

/// Fails unless the daemon in `slot` has the alarm, and names the device and the interface.
fn says_so(scene: &Scene, slot: u16) -> Result<()> {
    let shown = service(scene, slot)?;
    let fault = shown["fault"].as_str().context("it has one")?;
    ensure!(
        fault.starts_with("no answer from 203.0.113.254 on biz0"),
        "{shown}"
    );
    let alarms = scene.alarms(slot)?;
    ensure!(alarms.contains(&"service_fault".to_owned()), "{alarms:?}");
    Ok(())
}
