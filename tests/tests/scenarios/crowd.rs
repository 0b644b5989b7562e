//! Hundreds of members at one master.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::crowd::Crowd;
use heartbeat_tests::lab::settings::{Place, Settings};
use heartbeat_tests::lab::view::View;

use crate::scene::scenario_with;

/// Three machines, which are the electors, and a crowd behind them, which is on the management network only. Its answers
/// come from the processors that the daemons run on, so they keep a slower pace.
const HUNDREDS: Settings = Settings {
    place: Place::On(Network::Management),
    crowd: Some(300),
    period: Duration::from_millis(50),
    ..Settings::DEFAULT
};
/// Who falls silent.
const THREE: [u16; 3] = [4, 157, 300];

#[test]
fn of_three_hundred_members_those_that_fall_silent_are_missed_and_no_others_and_they_come_back() {
    scenario_with("three_hundred_members", HUNDREDS, |scene| {
        scene.cluster.start_all()?;
        let crowd = Crowd::start(scene.cluster.lab(), HUNDREDS.crowd())?;
        scene
            .settle_on_1()
            .with_context(|| format!("the crowd: {:?}", crowd.done()))?;
        let missing = |view: &View| -> Option<Vec<u16>> {
            let unwell = |slot: &u16| {
                view.diagnosis(1, *slot)
                    .is_some_and(|word| word != "healthy")
            };
            view.of(1)?;
            Some((1..=300).filter(unwell).collect())
        };
        let all_healthy = |view: &View| missing(view).filter(Vec::is_empty);
        let cluster = &scene.cluster;
        cluster.wait_for(
            "the master finds all members healthy",
            PATIENCE,
            all_healthy,
        )?;
        let before = crowd.done();
        THREE.iter().for_each(|slot| crowd.silence(*slot, true));
        cluster.wait_for("the silent ones are down", PATIENCE, |view| {
            let is_down = |slot: &u16| view.diagnosis(1, *slot) == Some("down");
            THREE.iter().all(is_down).then_some(())
        })?;
        sleep(cluster.settings().lease() * 2);
        let missed = missing(&cluster.view());
        ensure!(missed.as_deref() == Some(&THREE), "missing are {missed:?}");
        THREE.iter().for_each(|slot| crowd.silence(*slot, false));
        cluster.wait_for("they are healthy again", PATIENCE, all_healthy)?;
        let after = crowd.done();
        ensure!(
            after.answers > before.answers,
            "the crowd did answer: {after:?}"
        );
        Ok(())
    });
}
