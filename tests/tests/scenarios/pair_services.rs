//! The services and hooks of a pair: what is brought back, what moves mastership, and what a crash of both leaves owed.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use nix::sys::signal::Signal;

use crate::hooks::{does, notes, ran, with_hooks};
use crate::pair::guaranteed;
use crate::scene::scenario_with;
use crate::services::{is, may_be_master, service, signal, start};

/// A page, and what brings it back unless a file says that it does not.
const RESTARTED: Settings = Settings {
    more: Some(
        r#"
[[service]]
name = "web"
http = { url = "http://127.0.0.1:8080/", contains = "ok" }
interval = "100ms"
[service.recovery.master]
command = ["/bin/sh", "-c", "test ! -e {node}/stuck || exit 1; {tool} web 8080 {node} >/dev/null 2>&1 &"]
attempts = 1
backoff = "800ms"
"#,
    ),
    ..Settings::PAIR
};

#[test]
fn a_service_that_is_brought_back_moves_nothing_and_one_that_hangs_or_stays_away_moves_mastership()
{
    scenario_with("pair_services", RESTARTED, |scene| {
        for slot in [1, 2] {
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in [1, 2] {
            is(scene, slot, "healthy")?;
        }
        let calm = scene.calm()?;
        signal(scene, 1, Signal::SIGKILL)?;
        is(scene, 1, "recovering")?;
        is(scene, 1, "healthy")?;
        scene.stayed(&calm)?;

        // It still accepts connections.
        signal(scene, 1, Signal::SIGSTOP)?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(1, "its recovery did not help")?;
        // By the other one's word, and not by evidence against it.
        guaranteed(scene, 2, "quorum")?;
        let shown = service(scene, 1)?;
        ensure!(shown["overruns"].as_u64() >= Some(2), "{shown}");
        signal(scene, 1, Signal::SIGCONT)?;
        is(scene, 1, "healthy")?;
        may_be_master(scene, 1)?;

        fs::write(scene.cluster.daemon(2).folder().join("stuck"), "")?;
        signal(scene, 2, Signal::SIGKILL)?;
        ensure!(scene.next_master(2)? == 1);
        scene.steps_down(2, "its recovery did not help")?;
        guaranteed(scene, 1, "quorum")?;
        ensure!(scene.told(2, "what should bring the service back failed") == 1);
        scene.diagnosed(1, 2, "service_fault")
    });
}

#[test]
fn a_hook_that_hangs_hands_back_and_a_crash_of_both_leaves_a_demotion_that_is_run_first() {
    with_hooks("pair_hooks", Settings::PAIR, |scene| {
        let first = ran(scene, 1, "on_promote")?;
        does(scene, 2, "on_promote", "sleep 20")?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        ensure!(scene.next_master(2)? == 1);
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        let given = ran(scene, 2, "on_demote")?;
        ensure!(given > first, "{given} after {first}");
        let held = ran(scene, 1, "on_promote")?;
        ensure!(held > given, "{held} after {given}");
        guaranteed(scene, 1, "quorum")?;

        // The record of its mastership is written behind the pulse.
        sleep(Duration::from_millis(300));
        let before = notes(scene, 1).len();
        for slot in [2, 1] {
            scene.cluster.daemon_mut(slot).end(Signal::SIGKILL)?;
        }
        // Its lease is over, so that the next process has none to go on with.
        sleep(Duration::from_millis(500));
        ensure!(notes(scene, 1).len() == before, "dead daemons run nothing");
        scene.cluster.start_all()?;
        let next = scene
            .cluster
            .wait_for("it was promoted anew", PATIENCE, |_| {
                let notes = notes(scene, 1);
                let [demoted, promoted] = notes.get(before..)? else {
                    return None;
                };
                Some((demoted.clone(), promoted.clone()))
            })?;
        let (demoted, promoted) = next;
        ensure!(
            demoted.starts_with(&format!("on_demote {held} "))
                && demoted.ends_with("ended as master without running it"),
            "{demoted}"
        );
        ensure!(promoted.starts_with("on_promote "), "{promoted}");
        ensure!(ran(scene, 1, "on_promote")? > held);
        ensure!(scene.cluster.settle()? == 1, "who was active last");
        Ok(())
    });
}
