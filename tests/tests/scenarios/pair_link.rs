//! The master of a pair loses the link that its clients come by, while the two hear each other.

use std::thread::sleep;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use serde_json::Value;

use crate::pair::guaranteed;
use crate::scene::{Scene, scenario_in};

const WATCHED: Settings = Settings {
    more: Some("[[service]]\nname = \"uplink\"\nlink = \"business\"\ninterval = \"50ms\"\n"),
    ..Settings::PAIR
};

/// Unplugs the business link of the node in `slot`.
fn unplug(scene: &Scene, slot: u16) -> Result<()> {
    wire::unplug(scene.cluster.lab().topology(), slot, Network::Business)
}

/// Plugs it in again, and waits until its node has seen it.
fn heal(scene: &Scene, slot: u16) -> Result<()> {
    wire::heal(scene.cluster.lab().topology(), slot, Network::Business)?;
    says(scene, slot, Value::Null)
}

/// Waits until the daemon in `slot` says that this keeps it from being elected.
fn says(scene: &Scene, slot: u16, why: impl Into<Value>) -> Result<()> {
    let why = why.into();
    let what = format!("slot {slot} is kept from being elected by {why}");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        (view.of(slot)?["not_electable"] == why).then_some(())
    })
}

/// How often either changed its role.
fn changes(scene: &Scene) -> Result<usize> {
    Ok(scene.role_changes(1)? + scene.role_changes(2)?)
}

#[test]
fn a_master_of_a_pair_without_its_business_link_hands_over_and_two_without_it_move_nothing() {
    scenario_in("pair_business_link", WATCHED, |scene| {
        unplug(scene, 1)?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(1, "a service of this node failed")?;
        // By the other one's word, and not by evidence against it.
        guaranteed(scene, 2, "quorum")?;
        let before = changes(scene)?;
        unplug(scene, 2)?;
        says(scene, 2, "service")?;
        sleep(PATIENCE / 10);
        ensure!(changes(scene)? == before, "mastership moved");
        heal(scene, 2)?;
        heal(scene, 1)?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}
