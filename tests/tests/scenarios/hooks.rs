//! What is run when a role changes, and what follows when it fails.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::pair_boots::drop_address;
use crate::scene::{Scene, moved_once, scenario_with};

/// All three, and the addresses at once.
const BEFORE: &str = r#"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
on_fault = ["{node}/hook"]
timeout = "1s"
retry_after = "5s"
"#;

/// The addresses only after the hook.
const AFTER: &str = r#"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
timeout = "1s"
address = "after"
retry_after = "5s"
"#;

/// Notes that it was run, and then does what its node's file says of it.
const HOOK: &str = r#"#!/bin/sh
node=${0%/*}
echo "$HEARTBEATD_HOOK $HEARTBEATD_EPOCH $HEARTBEATD_OLD_ROLE $HEARTBEATD_NEW_ROLE $HEARTBEATD_REASON" >>"$node/ran"
test ! -e "$node/$HEARTBEATD_HOOK" || . "$node/$HEARTBEATD_HOOK"
"#;

/// Runs a scenario in a cluster of three whose hooks do as they are told, and which has settled.
fn scenario(name: &str, more: &'static str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(more),
        ..Settings::default()
    };
    scenario_by(name, settings, play);
}

/// The same with all three hooks in a cluster like this.
pub(crate) fn with_hooks(name: &str, settings: Settings, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(BEFORE),
        ..settings
    };
    scenario_by(name, settings, play);
}

/// Runs it.
pub(crate) fn scenario_by(name: &str, settings: Settings, play: impl Fn(&mut Scene) -> Result<()>) {
    scenario_with(name, settings, |scene| {
        begin(scene, settings.plan.nodes)?;
        play(scene)
    });
}

/// Starts a cluster of so many nodes with their hooks, and waits until it has settled.
pub(crate) fn begin(scene: &mut Scene, nodes: u16) -> Result<()> {
    for slot in 1..=nodes {
        let file = file(scene, slot, "hook");
        fs::write(&file, HOOK)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    scene.cluster.start_all()?;
    scene.settle_on_1()?;
    ran(scene, 1, "on_promote")?;
    sleep(Duration::from_millis(300));
    Ok(())
}

pub(crate) fn file(scene: &Scene, slot: u16, name: &str) -> PathBuf {
    scene.cluster.daemon(slot).folder().join(name)
}

/// From now on that hook of that node does this after it noted that it was run.
pub(crate) fn does(scene: &Scene, slot: u16, hook: &str, line: &str) -> Result<()> {
    Ok(fs::write(file(scene, slot, hook), line)?)
}

/// What a node's hooks noted.
pub(crate) fn notes(scene: &Scene, slot: u16) -> Vec<String> {
    let text = fs::read_to_string(file(scene, slot, "ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until the newest note of a node is of this hook, and returns the token that it was given.
pub(crate) fn ran(scene: &Scene, slot: u16, hook: &str) -> Result<u64> {
    let what = format!("the newest hook of slot {slot} is {hook}");
    scene.cluster.wait_for(&what, PATIENCE, |_| {
        let notes = notes(scene, slot);
        let mut words = notes.last()?.split(' ');
        (words.next() == Some(hook)).then_some(words.next()?.parse().ok()?)
    })
}

#[test]
fn hooks_are_run_in_order_with_a_token_that_grows() {
    scenario("hooks", BEFORE, |scene| {
        let first = ran(scene, 1, "on_promote")?;
        let fault_ns = boot_ns();
        scene.cluster.switchover(1, Some(3))?;
        let second = ran(scene, 3, "on_promote")?;
        ensure!(ran(scene, 1, "on_demote")? == first, "its own mastership's");
        ensure!(second > first, "{second} after {first}");
        let note = notes(scene, 1).pop().unwrap_or_default();
        ensure!(
            note.ends_with("master slave switchover to slot 3"),
            "{note}"
        );
        ensure!(scene.cluster.settle()? == 3);
        let third_of = |scene: &Scene| -> Result<u64> {
            scene.cluster.switchover(3, Some(1))?;
            ran(scene, 1, "on_promote")
        };
        ensure!(third_of(scene)? > second);
        ensure!(notes(scene, 2).is_empty(), "slot 2 was never master");
        let waits = [waited_us(scene, 3)?, waited_us(scene, 1)?];
        println!("a token waited {waits:?} us for a majority's disks");
        ensure!(waits.iter().all(|waited| *waited < 500_000), "{waits:?}");
        sleep(Duration::from_millis(200));
        let moves = scene.moves(fault_ns)?;
        ensure!(moves.len() == 2, "{moves:?}");
        let code = scene.cluster.daemon_mut(1).end(Signal::SIGTERM)?;
        ensure!(code == Some(0), "{code:?}");
        let note = notes(scene, 1).pop().unwrap_or_default();
        ensure!(
            note.starts_with("on_demote"),
            "before the daemon has ended: {note}"
        );
        Ok(())
    });
}

#[test]
fn the_token_grows_though_all_rebooted_and_the_last_master_lost_its_disk() {
    scenario("hooks_disk_lost", BEFORE, |scene| {
        scene.cluster.switchover(1, Some(2))?;
        let before = ran(scene, 2, "on_promote")?;
        ensure!(scene.cluster.settle()? == 2);
        // The others write down what they heard of some time after they did.
        sleep(Duration::from_millis(500));
        for slot in 1..=3 {
            scene.cluster.daemon_mut(slot).end(Signal::SIGKILL)?;
        }
        // What a reboot takes from each, and what a broken disk takes from the one.
        for slot in 1..=3 {
            drop_address(scene, slot)?;
            fs::remove_dir_all(scene.cluster.daemon(slot).pins())?;
        }
        fs::remove_dir_all(scene.cluster.daemon(2).state())?;
        scene.cluster.start_all()?;
        let next = scene.cluster.settle()?;
        let what = "the next master's hook was run with a larger token";
        scene.cluster.wait_for(what, PATIENCE, |_| {
            let notes = notes(scene, next);
            let mut promoted = notes.iter().filter(|note| note.starts_with("on_promote "));
            let token: u64 = promoted.next_back()?.split(' ').nth(1)?.parse().ok()?;
            (token > before).then_some(())
        })
    });
}

/// How long the newest `on_promote` of a node waited for its token.
fn waited_us(scene: &Scene, slot: u16) -> Result<u64> {
    let events = scene.events(slot)?;
    let promoted = |event: &&serde_json::Value| event["hook"] == "on_promote";
    let run = events.iter().rfind(promoted);
    let run = run.context("the hook is in the history")?;
    run["waited_us"]
        .as_u64()
        .with_context(|| format!("it waited: {run}"))
}

#[test]
fn a_promotion_hook_that_fails_hands_mastership_on() {
    scenario("hook_fails", BEFORE, |scene| {
        does(scene, 2, "on_promote", "exit 3")?;
        scene.cluster.switchover(1, Some(2))?;
        let back = scene.next_master(2)?;
        ensure!(back == 1, "slot {back}");
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        ran(scene, 2, "on_demote")?;
        let hooks: Vec<String> = (notes(scene, 2).iter())
            .filter_map(|note| note.split(' ').next().map(str::to_owned))
            .collect();
        ensure!(hooks.iter().any(|hook| hook == "on_fault"), "{hooks:?}");
        ensure!(scene.told(2, "exit code 3") > 0);
        let events = scene.events(2)?;
        let run = events.iter().find(|event| event["hook"] == "on_promote");
        let run = run.context("the hook is in the history")?;
        ensure!(run["fault"] == "ended with exit code 3", "{run}");
        ensure!(
            run["epoch"]["slot"] == 2 && run["took_us"].is_u64(),
            "{run}"
        );
        let why = |view: &heartbeat_tests::lab::view::View| {
            view.of(2)?["not_electable"].as_str().map(str::to_owned)
        };
        ensure!(why(&scene.cluster.view()).as_deref() == Some("not_promoted"));
        does(scene, 2, "on_promote", "exit 0")?;
        scene
            .cluster
            .wait_for("slot 2 may stand again", PATIENCE, |view| {
                (view.of(2)?["electable"] == true).then_some(())
            })?;
        ensure!(scene.cluster.settle()? == 1);
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        ensure!(scene.cluster.settle()? == 2);
        scene.reason_of(2, "master").map(drop)
    });
}

#[test]
fn a_promotion_hook_that_hangs_never_gets_the_address() {
    scenario("hook_hangs", AFTER, |scene| {
        does(scene, 2, "on_promote", "sleep 1000")?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let fault_ns = boot_ns();
        ensure!(scene.next_master(2)? == 1);
        ran(scene, 2, "on_demote")?;
        ran(scene, 1, "on_promote")?;
        ensure!(scene.cluster.settle()? == 1);
        sleep(Duration::from_millis(200));
        ensure!(scene.answers_of(2, fault_ns)? == 0, "slot 2 answered");
        ensure!(scene.answers_of(1, fault_ns)? > 0, "slot 1 serves again");
        ensure!(scene.told(2, "had not ended after 1000 ms and was killed") > 0);
        Ok(())
    });
}

#[test]
fn addresses_that_wait_move_when_the_hook_has_succeeded() {
    scenario("hook_before_address", AFTER, |scene| {
        does(
            scene,
            3,
            "on_promote",
            "while test ! -e $node/go; do sleep 0.02; done",
        )?;
        scene.cluster.switchover(1, Some(3))?;
        ran(scene, 3, "on_promote")?;
        sleep(Duration::from_millis(200));
        scene.reason_of(3, "master")?;
        ensure!(!scene.has_address(3)?, "the hook has not ended");
        let fault_ns = boot_ns();
        fs::write(file(scene, 3, "go"), "")?;
        scene
            .cluster
            .wait_for("slot 3 has the address", PATIENCE, |view| {
                (view.holders() == [3]).then_some(())
            })?;
        sleep(Duration::from_millis(200));
        ensure!(scene.answers_of(3, fault_ns)? > 10);
        ensure!(scene.cluster.settle()? == 3);
        Ok(())
    });
}

#[test]
fn a_daemon_that_was_killed_as_master_runs_its_demotion_hook_first() {
    scenario("hook_after_unclean_end", BEFORE, |scene| {
        let token = ran(scene, 1, "on_promote")?;
        let fault_ns = boot_ns();
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        ensure!(scene.next_master(1)? == 2);
        ran(scene, 2, "on_promote")?;
        ensure!(notes(scene, 1).len() == 1, "a dead daemon runs nothing");
        scene.cluster.start_one(1)?;
        ensure!(ran(scene, 1, "on_demote")? == token);
        let note = notes(scene, 1).pop().unwrap_or_default();
        ensure!(
            note.ends_with("ended as master without running it"),
            "{note}"
        );
        ensure!(scene.cluster.settle()? == 2);
        moved_once(
            &scene.sight(fault_ns)?,
            1,
            2,
            crate::scene::two_leases(scene),
        )?;
        scene.cluster.switchover(2, Some(1))?;
        ensure!(ran(scene, 1, "on_promote")? > token);
        ensure!(notes(scene, 1).len() == 3);
        Ok(())
    });
}

#[test]
fn a_planned_restart_runs_no_hook() {
    scenario("hook_not_at_restart", AFTER, |scene| {
        let before = notes(scene, 1);
        let calm = scene.calm()?;
        scene.cluster.daemon_mut(1).end(Signal::SIGUSR2)?;
        scene.cluster.start_one(1)?;
        scene.stayed(&calm)?;
        ensure!(scene.has_address(1)?);
        sleep(Duration::from_millis(300));
        ensure!(notes(scene, 1) == before, "{:?}", notes(scene, 1));
        ensure!(scene.told(1, "running a hook") == before.len());
        Ok(())
    });
}
