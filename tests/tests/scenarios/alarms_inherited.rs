//! An alarm outlives the master that raised it: what that one could not deliver the next one delivers, as the same alarm.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::pager::{Manner, Pager};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;

use crate::alarms::{await_taken, once_each, taken};
use crate::info::serves;
use crate::scene::{Scene, scenario_with};

const SINK: &str = r#"
[alarms]
hold = "1s"

[[alarms.sink]]
name = "first"
webhook = "http://203.0.113.200:9001/first"
timeout = "2s"
"#;
const KEY: &str = "lab/down/slot-5";
const PAGE: &str = "/first";

/// Waits until that is among what the master leaves to the next one, on the disk of the node in `slot`.
fn is_left(scene: &Scene, slot: u16) -> Result<()> {
    let words = ["info", "get", "heartbeatd/alarms", "--local"];
    scene
        .cluster
        .wait_for("the alarm is kept", Duration::from_secs(5), |_| {
            let kept = scene.cluster.daemon(slot).contact().control(&words).ok()?;
            String::from_utf8_lossy(&kept.stdout)
                .contains(KEY)
                .then_some(())
        })
}

#[test]
fn an_alarm_that_a_dead_master_could_not_deliver_is_delivered_once_by_the_next_one_and_cleared_once()
 {
    let settings = Settings {
        plan: Plan {
            nodes: 5,
            ..Plan::default()
        },
        more: Some(SINK),
        ..Settings::default()
    };
    scenario_with("alarms_inherited", settings, |scene| {
        let lab = scene.cluster.lab();
        let pager = Pager::listen(lab.topology().client(), 9001, Manner::Refuses)?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        // Until a master knows what the one before it said, it says nothing.
        serves(scene)?;
        scene.quiet()?;
        wire::kill_node(scene.cluster.lab().topology(), 5, Death::Silent)?;
        scene.diagnosed(1, 5, "down")?;
        is_left(scene, 2)?;
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        ensure!(scene.next_master(1)? == 2);
        let tried = pager
            .sent()
            .into_iter()
            .find(|sent| sent.body["key"] == KEY);
        let tried = tried.context("the first master tried")?;
        ensure!(tried.body["reporter"]["slot"] == 1 && !tried.is_taken);
        pager.behave(Manner::Takes);
        await_taken(&pager, PAGE, KEY, 1)?;
        // As long as a second one, of the second master's own finding, would take.
        sleep(Duration::from_secs(4));
        let found = taken(&pager, PAGE, KEY);
        ensure!(found.len() == 1, "{found:?}");
        ensure!(
            tried.body["id"] == found[0].1.as_str(),
            "{tried:?}, {found:?}"
        );
        wire::heal_node(scene.cluster.lab().topology(), 5)?;
        await_taken(&pager, PAGE, KEY, 2)?;
        once_each(&pager, PAGE, KEY)
    });
}
