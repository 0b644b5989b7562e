//! Alarms reach people: once each way, whatever the receiver, the node or the daemon does meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::pager::{Manner, Pager, Sent};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::info::serves;
use crate::scene::{Scene, scenario_with};

/// Two receivers on the client's machine; the second one is Alertmanager's place too.
const SINKS: &str = r#"
[alarms]
hold = "1s"

[[alarms.sink]]
name = "first"
webhook = "http://203.0.113.200:9001/first"
timeout = "2s"

[[alarms.sink]]
name = "second"
webhook = "http://203.0.113.200:9002/second"
timeout = "2s"

[[alarms.sink]]
name = "manager"
alertmanager = "http://203.0.113.200:9002"
timeout = "2s"
resend = "1s"
"#;

const ALERTS: &str = "/api/v2/alerts";

/// What an alarm may take to arrive on a busy machine; a sink is tried again after at most a few seconds here.
const SOON: Duration = Duration::from_secs(15);
/// What one that no sink holds up may take.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs a scenario in a cluster whose alarms go to two receivers.
fn scenario(name: &str, manner: Manner, play: impl Fn(&mut Scene, &Pager, &Pager) -> Result<()>) {
    let settings = Settings {
        more: Some(SINKS),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        let client = scene.cluster.lab().topology().client();
        let first = Pager::listen(client, 9001, manner)?;
        let second = Pager::listen(client, 9002, Manner::Takes)?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        // Until a master knows what the one before it said, it says nothing.
        serves(scene)?;
        scene.quiet()?;
        play(scene, &first, &second)
    });
}

/// What was taken of this alarm: action and id.
pub(crate) fn taken(pager: &Pager, page: &str, key: &str) -> Vec<(String, String)> {
    let text = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let is_it = |sent: &&Sent| sent.is_taken && sent.path == page && sent.body["key"] == key;
    (pager.sent().iter().filter(is_it))
        .map(|sent| (text(&sent.body, "action"), text(&sent.body, "id")))
        .collect()
}

/// Waits until so many notices of this alarm were taken.
pub(crate) fn await_taken(pager: &Pager, page: &str, key: &str, count: usize) -> Result<Duration> {
    let begun = Instant::now();
    while taken(pager, page, key).len() < count {
        ensure!(
            begun.elapsed() < SOON,
            "{page} took {:?} of {key}",
            taken(pager, page, key)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(begun.elapsed())
}

/// Fails unless it was raised once and cleared once, in this order.
pub(crate) fn once_each(pager: &Pager, page: &str, key: &str) -> Result<()> {
    let found = taken(pager, page, key);
    let actions: Vec<&str> = found.iter().map(|(action, _)| action.as_str()).collect();
    ensure!(
        actions == ["raised", "cleared"],
        "{page} took {found:?} of {key}"
    );
    Ok(())
}

/// How many turns the daemon in `slot` had.
fn turns(view: &View, slot: u16) -> Result<u64> {
    let status = view.of(slot).context("it answers")?;
    status["local"]["turns"].as_u64().context("a number")
}

#[test]
fn a_nodes_death_is_raised_once_and_cleared_once_at_every_sink() {
    scenario("alarm_of_a_death", Manner::Takes, |scene, first, second| {
        let key = "lab/down/slot-3";
        wire::kill_node(scene.cluster.lab().topology(), 3, Death::Silent)?;
        scene.diagnosed(1, 3, "down")?;
        let took = await_taken(first, "/first", key, 1)?;
        println!("{took:?} from status to the receiver");
        ensure!(took < AT_ONCE, "{took:?}");
        // In force for some repetitions to Alertmanager.
        std::thread::sleep(Duration::from_millis(3_500));
        let shown = scene
            .cluster
            .daemon(1)
            .contact()
            .json(&["alarms", "--json"])?;
        ensure!(shown["alarms"][0]["key"] == key, "{shown}");
        ensure!(
            shown["alarms"][0]["age_us"].as_u64() > Some(3_000_000),
            "{shown}"
        );
        ensure!(
            shown["sinks"][0]["delivered"].as_u64() >= Some(1),
            "{shown}"
        );
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        ensure!(scene.cluster.settle()? == 1);
        for (pager, page) in [(first, "/first"), (second, "/second")] {
            await_taken(pager, page, key, 2)?;
        }
        std::thread::sleep(Duration::from_secs(2));
        once_each(first, "/first", key)?;
        once_each(second, "/second", key)?;
        alertmanager_knows(second)
    });
}

/// Alertmanager was told again and again, by the same labels, and then that it is over.
fn alertmanager_knows(pager: &Pager) -> Result<()> {
    let posts = pager.sent().into_iter().filter(|sent| sent.path == ALERTS);
    let alerts: Vec<Value> = posts
        .flat_map(|sent| sent.body.as_array().cloned().unwrap_or_default())
        .filter(|alert| alert["labels"]["alertname"] == "down")
        .collect();
    ensure!(alerts.len() >= 4, "told {} times", alerts.len());
    let (last, before) = alerts.split_last().context("some")?;
    for alert in &alerts {
        ensure!(alert["labels"] == last["labels"], "{alert} and {last}");
        ensure!(alert["startsAt"] == last["startsAt"], "{alert} and {last}");
    }
    let ends = |alert: &Value| alert["endsAt"].as_str().unwrap_or_default().to_owned();
    ensure!(
        before.iter().all(|alert| ends(alert) > ends(last)),
        "it ended before the last word: {alerts:?}"
    );
    ensure!(ends(last) > last["startsAt"].as_str().unwrap_or_default().to_owned());
    Ok(())
}

#[test]
fn a_sink_that_was_down_for_a_while_hears_all_of_it_once() {
    scenario(
        "alarms_sink_down",
        Manner::Refuses,
        |scene, first, second| {
            let key = "lab/daemon_stalled/slot-3";
            scene.cluster.daemon(3).signal(Signal::SIGSTOP)?;
            await_taken(second, "/second", key, 1)?;
            scene.cluster.daemon(3).signal(Signal::SIGCONT)?;
            await_taken(second, "/second", key, 2)?;
            let refused = first.sent().iter().filter(|sent| !sent.is_taken).count();
            ensure!(refused > 0, "nothing was tried");
            ensure!(taken(first, "/first", key).is_empty());
            let shown = scene
                .cluster
                .daemon(1)
                .contact()
                .json(&["alarms", "--json"])?;
            let fault = shown["sinks"][0]["fault"].as_str().unwrap_or_default();
            ensure!(fault.contains("503"), "{shown}");
            ensure!(shown["sinks"][0]["waiting"].as_u64() >= Some(2), "{shown}");
            first.behave(Manner::Takes);
            await_taken(first, "/first", key, 2)?;
            std::thread::sleep(Duration::from_secs(2));
            once_each(first, "/first", key)?;
            once_each(second, "/second", key)
        },
    );
}

#[test]
fn a_sink_that_hangs_delays_neither_the_others_nor_a_heartbeat() {
    scenario(
        "alarms_sink_hangs",
        Manner::Hangs,
        |scene, first, second| {
            let calm = scene.calm()?;
            let before = turns(&scene.cluster.view(), 1)?;
            let key = "lab/daemon_stalled/slot-3";
            scene.cluster.daemon(3).signal(Signal::SIGSTOP)?;
            scene.diagnosed(1, 3, "daemon_stalled")?;
            let took = await_taken(second, "/second", key, 1)?;
            println!("{took:?} to the sink that works");
            ensure!(took < AT_ONCE, "{took:?}");
            std::thread::sleep(Duration::from_secs(3));
            scene.cluster.daemon(3).signal(Signal::SIGCONT)?;
            await_taken(second, "/second", key, 2)?;
            ensure!(first.kept() > 0, "nobody hung there");
            ensure!(
                turns(&scene.cluster.view(), 1)? > before + 200,
                "the pulse ran"
            );
            scene.stayed(&calm)?;
            first.behave(Manner::Takes);
            await_taken(first, "/first", key, 2)?;
            once_each(first, "/first", key)
        },
    );
}

#[test]
fn what_a_killed_daemon_had_to_say_is_said_by_the_next_one() {
    scenario("alarms_daemon_killed", Manner::Takes, |scene, first, _| {
        let key = "lab/no_master/node-3";
        wire::kill_node(scene.cluster.lab().topology(), 3, Death::Silent)?;
        scene
            .cluster
            .wait_for("slot 3 knows no master", SOON, |view| {
                let alarms = view.of(3)?["alarms"].as_array()?.clone();
                alarms
                    .iter()
                    .any(|alarm| alarm["name"] == "no_master")
                    .then_some(())
            })?;
        std::thread::sleep(Duration::from_millis(500));
        let shown = scene
            .cluster
            .daemon(3)
            .contact()
            .json(&["alarms", "--json"])?;
        ensure!(shown["sinks"][0]["waiting"].as_u64() > Some(0), "{shown}");
        scene.cluster.daemon_mut(3).end(Signal::SIGKILL)?;
        ensure!(taken(first, "/first", key).is_empty(), "it is cut off");
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        scene.cluster.start_one(3)?;
        await_taken(first, "/first", key, 1)?;
        // Nobody judges so any more: over, once the new daemon has had its time to.
        let begun = Instant::now();
        while taken(first, "/first", key).len() < 2 {
            ensure!(begun.elapsed() < SOON * 2, "it was never cleared");
            std::thread::sleep(Duration::from_millis(50));
        }
        once_each(first, "/first", key)
    });
}

#[test]
fn a_test_reaches_every_sink_and_says_which_failed() {
    scenario("alarms_test", Manner::Refuses, |scene, first, second| {
        let tested = scene
            .cluster
            .daemon(2)
            .contact()
            .control(&["alarms", "test", "--json"])?;
        ensure!(tested.status.code() == Some(1), "{tested:?}");
        let found: Value = serde_json::from_slice(&tested.stdout)?;
        ensure!(
            found[0]["fault"]
                .as_str()
                .is_some_and(|it| it.contains("503")),
            "{found}"
        );
        ensure!(
            found[1]["fault"].is_null() && found[2]["fault"].is_null(),
            "{found}"
        );
        ensure!(taken(second, "/second", "lab/test/node-2").len() == 1);
        first.behave(Manner::Takes);
        let tested = scene
            .cluster
            .daemon(2)
            .contact()
            .control(&["alarms", "test"])?;
        ensure!(tested.status.code() == Some(0), "{tested:?}");
        ensure!(taken(first, "/first", "lab/test/node-2").len() == 1);
        Ok(())
    });
}
