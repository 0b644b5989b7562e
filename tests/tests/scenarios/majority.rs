//! Without a majority nobody serves.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::client::schedule::sleep_until;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario};

#[test]
fn a_master_with_two_of_three_nodes_gone_stops_serving_and_serves_again_when_one_is_back() {
    scenario("majority_master_left", |scene| {
        for gone in [2, 3] {
            wire::kill_node(scene.cluster.lab().topology(), gone, Death::Loud)?;
        }
        let shut_ns = scene.shut_from_ns()?;
        scene.steps_down(1, "no majority of electors replied")?;
        nobody_serves(scene, shut_ns)?;
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        serves_again(scene)
    });
}

#[test]
fn a_slave_with_two_of_three_nodes_gone_does_not_take_over_and_does_when_one_is_back() {
    scenario("majority_slave_left", |scene| {
        for gone in [1, 2] {
            wire::kill_node(scene.cluster.lab().topology(), gone, Death::Silent)?;
        }
        let shut_ns = scene.shut_from_ns()?;
        nobody_serves(scene, shut_ns)?;
        wire::heal_node(scene.cluster.lab().topology(), 2)?;
        serves_again(scene)
    });
}

/// From one lease after the fault nobody answers, for two seconds.
fn nobody_serves(scene: &mut Scene, shut_ns: u64) -> Result<()> {
    sleep_until(shut_ns);
    scene
        .cluster
        .hold("somebody is master", Duration::from_secs(2), |view| {
            view.masters().first().copied()
        })?;
    for slot in 1..=3 {
        ensure!(
            scene.answers_of(slot, shut_ns)? == 0,
            "slot {slot} answered without a majority"
        );
    }
    Ok(())
}

fn serves_again(scene: &mut Scene) -> Result<()> {
    let master =
        scene
            .cluster
            .wait_for("there is a master again", Duration::from_secs(5), |view| {
                let [master] = view.masters()[..] else {
                    return None;
                };
                Some(master)
            })?;
    let from_ns = boot_ns();
    sleep(Duration::from_millis(300));
    ensure!(
        scene.answers_of(master, from_ns)? > 100,
        "slot {master} is master and does not answer"
    );
    scene.expect(master, "master", "majority of electors voted")?;
    for slot in 1..=3 {
        wire::heal_node(scene.cluster.lab().topology(), slot)?;
    }
    ensure!(scene.cluster.settle()? == master);
    Ok(())
}
