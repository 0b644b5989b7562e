//! Two of three nodes are gone for good: an operator makes the third one master, and one day they are back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::CLUSTER;
use heartbeat_user::sys::clock::boot_ns;
use serde_json::Value;

use crate::scene::{Scene, scenario};

/// A majority that was lost is noticed within 12 s, since polls go out every 10 s.
const UNANSWERED: Duration = Duration::from_secs(20);

#[test]
fn a_forced_promotion_serves_without_a_majority_and_is_an_ordinary_one_when_that_is_back() {
    scenario("forced", |scene| {
        let topology = scene.cluster.lab().topology();
        wire::kill_node(topology, 1, Death::Silent)?;
        wire::kill_node(topology, 2, Death::Silent)?;
        scene.steps_down(1, "no majority of electors replied")?;
        ensure!(
            promote(scene, "another")? == Some(2),
            "a wrong name is wrong usage"
        );
        ensure!(status(scene)?["role"] != "master", "and changes nothing");
        let begun = Instant::now();
        let mut refusals = 0;
        while promote(scene, CLUSTER)? != Some(0) {
            refusals += 1;
            ensure!(begun.elapsed() < UNANSWERED, "it is refused for ever");
            sleep(Duration::from_millis(500));
        }
        println!(
            "forced after {:?}, {refusals} times refused before",
            begun.elapsed()
        );
        let forced_ns = boot_ns();
        sleep(Duration::from_secs(1));
        ensure!(scene.answers_of(3, forced_ns)? > 100, "slot 3 serves");
        scene.expect(3, "master", "an operator forced it")?;
        let alone = status(scene)?;
        ensure!(alone["guarantee"] == "forced", "{alone}");
        ensure!(alarms(&alone).contains(&"forced".to_owned()), "{alone}");
        for slot in [1, 2] {
            wire::heal_node(scene.cluster.lab().topology(), slot)?;
        }
        ensure!(scene.cluster.settle()? == 3);
        scene
            .cluster
            .wait_for("a majority stands behind it", UNANSWERED, |view| {
                (view.of(3)?.get("guarantee")? == "quorum").then_some(())
            })?;
        let together = status(scene)?;
        ensure!(
            !alarms(&together).contains(&"forced".to_owned()),
            "{together}"
        );
        ensure!(
            together["epoch"] == alone["epoch"],
            "one mastership all along"
        );
        ensure!(scene.moves(forced_ns)?.is_empty(), "the address stayed");
        Ok(())
    });
}

/// The exit code of a forced promotion of slot 3 for that name.
pub(crate) fn promote(scene: &Scene, name: &str) -> Result<Option<i32>> {
    let contact = scene.cluster.daemon(3).contact();
    let output = contact.control(&["promote", "--force", "--cluster", name])?;
    Ok(output.status.code())
}

fn status(scene: &Scene) -> Result<Value> {
    let contact = scene.cluster.daemon(3).contact();
    contact
        .json(&["status", "--json"])
        .context("slot 3 answers")
}

fn alarms(status: &Value) -> Vec<String> {
    let alarms = status["alarms"].as_array().cloned().unwrap_or_default();
    let name = |alarm: &Value| alarm["name"].as_str().unwrap_or_default().to_owned();
    alarms.iter().map(name).collect()
}
