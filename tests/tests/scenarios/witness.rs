//! Two nodes and a witness, under each single fault.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;

use crate::scene::{Scene, scenario_in};

const WITH_WITNESS: Settings = Settings {
    witness: Some(3),
    ..Settings::DEFAULT
};

#[test]
fn two_nodes_and_a_witness_serve_whichever_one_of_the_three_is_lost() {
    scenario_in("witness_single_faults", WITH_WITNESS, |scene| {
        lost(scene, 3, 1)?;
        lost(scene, 2, 1)?;
        lost(scene, 1, 2)?;
        scene.reason_of(3, "witness").map(drop)
    });
}

/// The node in `slot` is lost and comes back; the one in `serves` is master meanwhile and after.
fn lost(scene: &mut Scene, slot: u16, serves: u16) -> Result<()> {
    wire::kill_node(scene.cluster.lab().topology(), slot, Death::Loud)?;
    scene.reason_of(serves, "master")?;
    scene.diagnosed(serves, slot, "down")?;
    sleep(Duration::from_millis(300));
    scene.reason_of(serves, "master")?;
    wire::heal_node(scene.cluster.lab().topology(), slot)?;
    ensure!(scene.cluster.settle()? == serves);
    Ok(())
}
