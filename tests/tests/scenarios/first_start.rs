//! The first start: the lowest slot that may becomes master.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario_with};

#[test]
fn at_the_first_start_the_lowest_slot_becomes_master_by_a_majority_of_votes() {
    scenario_with("first_start", Settings::default(), |scene| {
        // The others wait for a lower slot that is there, so it only has to be there.
        scene.cluster.start_one(1)?;
        scene
            .cluster
            .wait_for("slot 1 is there", PATIENCE, |view| view.role(1).map(drop))?;
        scene.cluster.start_one(2)?;
        scene.cluster.start_one(3)?;
        let master = scene.cluster.settle()?;
        ensure!(master == 1, "slot {master} is master, not the lowest");
        scene.expect(1, "master", "majority of electors voted")?;
        scene.expect(2, "slave", "slot 1")?;
        scene.expect(3, "slave", "slot 1")?;
        served_by(scene, 1)
    });
}

#[test]
fn it_is_the_lowest_slot_also_when_it_starts_last_by_a_little() {
    // They wait for it as long as a lease may be, which is made long here: a busy machine may start
    // daemons half a second apart.
    let settings = Settings {
        detect_multiplier: 20,
        ..Settings::default()
    };
    scenario_with("first_start_lowest_last", settings, |scene| {
        for slot in [3, 2, 1] {
            scene.cluster.start_one(slot)?;
            sleep(Duration::from_millis(15));
        }
        ensure!(scene.cluster.settle()? == 1);
        served_by(scene, 1)
    });
}

#[test]
fn two_of_three_start_without_the_third_which_then_follows() {
    scenario_with("first_start_two_of_three", Settings::default(), |scene| {
        scene.cluster.start_one(2)?;
        scene.cluster.start_one(3)?;
        scene.expect(2, "master", "majority of electors voted")?;
        sleep(Duration::from_millis(300));
        let begun_ns = boot_ns();
        // Not the lowest any more, but nothing is wrong with it: a lower slot disturbs no master.
        scene.cluster.start_one(1)?;
        ensure!(scene.cluster.settle()? == 2);
        ensure!(scene.moves(begun_ns)?.is_empty());
        served_by(scene, 2)
    });
}

#[test]
fn one_of_three_alone_never_becomes_master() {
    scenario_with("first_start_one_of_three", Settings::default(), |scene| {
        scene.cluster.start_one(1)?;
        let much_longer = scene.cluster.settings().abstention() + Duration::from_secs(2);
        scene
            .cluster
            .hold("one of three serves", much_longer, |view| {
                view.masters().first().copied()
            })?;
        ensure!(
            scene.answers_of(1, 0)? == 0,
            "slot 1 answered without a majority"
        );
        // The same node serves as soon as there is a majority: it was not merely dead.
        scene.cluster.start_one(2)?;
        scene.expect(1, "master", "majority of electors voted")?;
        served_by(scene, 1)
    });
}

#[test]
fn a_witness_votes_and_never_becomes_master_though_its_slot_is_the_lowest() {
    let settings = Settings {
        witness: Some(1),
        ..Settings::default()
    };
    scenario_with("first_start_witness", settings, |scene| {
        scene.cluster.start_one(1)?;
        scene.cluster.start_one(2)?;
        scene.expect(2, "master", "majority of electors voted")?;
        scene.cluster.start_one(3)?;
        ensure!(scene.cluster.settle()? == 2);
        scene.reason_of(1, "witness")?;
        served_by(scene, 2)
    });
}

/// Watches for a while that the client is answered by that node and no other.
fn served_by(scene: &mut Scene, slot: u16) -> Result<()> {
    let from_ns = boot_ns();
    sleep(Duration::from_millis(300));
    let answered = scene.answers_of(slot, from_ns)?;
    ensure!(
        answered > 100,
        "slot {slot} answered only {answered} questions in 300 ms"
    );
    Ok(())
}
