//! The configuration is reloaded while the cluster works, and while it does not.

mod addresses;
mod differing;
mod keys;
mod meanwhile;
mod members;
mod pair;
mod times;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, moved_once, scenario_with};

/// A file of its own for each node, and hooks in it.
const HOOKS: &str = r#"
[hooks]
on_promote = ["{node}/slow"]
timeout = "5s"
"#;
/// What is added to it.
const SERVICE: &str = r#"
[[service]]
name = "program"
command = ["/bin/true"]
interval = "100ms"
"#;
/// Notes its beginning and its end, with a pause between the two.
const SLOW: &str = "#!/bin/sh\necho begun >>${0%/*}/ran\nsleep 1\necho ended >>${0%/*}/ran\n";
/// Notes that it was run.
const QUICK: &str = "#!/bin/sh\necho $HEARTBEATD_HOOK >>${0%/*}/ran\n";

/// Runs a scenario in a cluster of three whose nodes have files of their own, and which has settled.
fn scenario(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    scenario_among(name, Settings::default(), play);
}

/// The same in another cluster.
fn scenario_among(name: &str, settings: Settings, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(HOOKS),
        ..settings
    };
    let slots = 1..=settings.plan.nodes;
    scenario_with(name, settings, |scene| {
        for slot in slots.clone() {
            program(scene, slot, "slow", SLOW)?;
            program(scene, slot, "quick", QUICK)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        noted(scene, 1, "ended")?;
        sleep(Duration::from_millis(200));
        play(scene)
    });
}

fn file(scene: &Scene, slot: u16, name: &str) -> PathBuf {
    scene.cluster.daemon(slot).folder().join(name)
}

fn program(scene: &Scene, slot: u16, name: &str, text: &str) -> Result<()> {
    let path = file(scene, slot, name);
    fs::write(&path, text)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// Waits until the newest line that a node's hooks noted is this one.
fn noted(scene: &Scene, slot: u16, line: &str) -> Result<()> {
    let what = format!("a hook of slot {slot} noted {line:?}");
    scene.cluster.wait_for(&what, PATIENCE, |_| {
        let text = fs::read_to_string(file(scene, slot, "ran")).ok()?;
        (text.lines().last() == Some(line)).then_some(())
    })
}

/// Changes a node's file.
fn edit(scene: &Scene, slot: u16, change: impl Fn(&str) -> String) -> Result<()> {
    edit_file(&file(scene, slot, "heartbeatd.toml"), change)
}

/// Changes that file.
fn edit_file(path: &Path, change: impl Fn(&str) -> String) -> Result<()> {
    let before = fs::read_to_string(path)?;
    let after = change(&before);
    ensure!(before != after, "{} has changed", path.display());
    // In one step, as an operator's editor does: a daemon may read it at any time.
    let written = path.with_extension("new");
    fs::write(&written, after)?;
    Ok(fs::rename(written, path)?)
}

/// A file that has [`SERVICE`] in it, as it was before.
fn without_services(text: &str) -> String {
    let before = text.split("\n[[service]]").next();
    before.unwrap_or_default().to_owned() + "\n"
}

fn reload(scene: &Scene, slot: u16) -> Result<Output> {
    scene.cluster.daemon(slot).contact().control(&["reload"])
}

/// Reloads a node, which must answer that it did.
fn reloads(scene: &Scene, slot: u16) -> Result<()> {
    let output = reload(scene, slot)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "slot {slot}: {complaint}");
    Ok(())
}

/// Reloads a node, which must refuse it, and returns why.
fn refuses(scene: &Scene, slot: u16) -> Result<String> {
    let output = reload(scene, slot)?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(why.contains("nothing was changed"), "{why}");
    Ok(why)
}

/// What `status` says of a node's reloads: how many were applied, how many refused.
fn counted(scene: &Scene, slot: u16) -> Result<(u64, u64)> {
    let view = scene.cluster.view();
    let reloads = &view.of(slot).context("it answers")?["reloads"];
    let count = |key: &str| reloads[key].as_u64().context("a number");
    Ok((count("applied")?, count("refused")?))
}

fn services(scene: &Scene, slot: u16) -> Option<Vec<Value>> {
    let view = scene.cluster.view();
    view.of(slot)?["services"].as_array().cloned()
}

#[test]
fn services_come_and_go_by_reloads_and_nothing_moves() {
    scenario("reload_services", |scene| {
        let calm = scene.calm()?;
        for slot in [3, 2, 1] {
            edit(scene, slot, |text| text.to_owned() + SERVICE)?;
            reloads(scene, slot)?;
            if slot == 2 {
                scene.diagnosed(1, 3, "misconfigured")?;
            }
            let what = format!("the service of slot {slot} is healthy");
            scene.cluster.wait_for(&what, PATIENCE, |_| {
                (services(scene, slot)?.first()?["state"] == "healthy").then_some(())
            })?;
        }
        scene.quiet()?;
        // At another pace it is the same service: it does not begin anew.
        edit(scene, 1, |text| text.replace("100ms", "200ms"))?;
        reloads(scene, 1)?;
        let state = services(scene, 1).context("it answers")?[0]["state"].clone();
        ensure!(state == "healthy", "{state}");
        // What fails is found by the file that is in force.
        edit(scene, 2, |text| {
            text.replace("/bin/true", "/bin/false")
                .replace("interval", "start_grace = \"0s\"\ninterval")
        })?;
        reloads(scene, 2)?;
        scene.cluster.wait_for("it is lost", PATIENCE, |_| {
            (services(scene, 2)?.first()?["state"] == "lost").then_some(())
        })?;
        for slot in 1..=3 {
            edit(scene, slot, without_services)?;
            reloads(scene, slot)?;
            ensure!(services(scene, slot).context("it answers")?.is_empty());
        }
        ensure!(counted(scene, 1)? == (3, 0), "{:?}", counted(scene, 1)?);
        scene.quiet()?;
        scene.stayed(&calm)
    });
}

#[test]
fn a_file_that_cannot_be_reloaded_changes_nothing_and_is_told_why() {
    scenario("reload_refused", |scene| {
        let calm = scene.calm()?;
        let good = fs::read_to_string(file(scene, 1, "heartbeatd.toml"))?;
        edit(scene, 1, |text| text.replace("slot = 2", "slot = two"))?;
        ensure!(refuses(scene, 1)?.contains("heartbeatd.toml"));
        // Two changes that a reload could make, and two that it cannot.
        edit(scene, 1, |_| {
            good.replace("\"5s\"", "\"4s\"")
                .replace("period = \"10000us\"", "period = \"20ms\"")
                .replace("attach = \"native\"", "attach = \"generic\"")
                .replace("port = 7405", "port = 7505")
        })?;
        let why = refuses(scene, 1)?;
        ensure!(
            why.contains("[management] attach (native -> generic)"),
            "{why}"
        );
        ensure!(why.contains("[management] port"), "{why}");
        let shown = scene.cluster.daemon(1).contact().control(&[
            "check-config",
            "--diff",
            &file(scene, 1, "heartbeatd.toml").display().to_string(),
        ])?;
        ensure!(shown.status.code() == Some(1), "{shown:?}");
        let text = String::from_utf8_lossy(&shown.stdout);
        for line in [
            "reload: [management] period: 10ms -> 20ms",
            "restart: [management] attach",
            "restart: [management] port",
            "reload: [hooks] timeout: 5s -> 4s",
        ] {
            ensure!(text.contains(line), "{line} in {text}");
        }
        scene.cluster.daemon(1).signal(Signal::SIGHUP)?;
        scene
            .cluster
            .wait_for("the signal was heard", PATIENCE, |_| {
                (counted(scene, 1).ok()? == (0, 3)).then_some(())
            })?;
        ensure!(scene.told(1, "reload refused") == 3);
        fs::write(file(scene, 1, "heartbeatd.toml"), good)?;
        reloads(scene, 1)?;
        ensure!(counted(scene, 1)? == (1, 3));
        scene.stayed(&calm)
    });
}

#[test]
fn a_hundred_hangups_leave_nothing_behind() {
    scenario("reload_storm", |scene| {
        let calm = scene.calm()?;
        let used = |scene: &Scene| -> Result<(usize, usize)> {
            let process = scene.cluster.daemon(1).pid().context("it runs")?;
            let count = |folder| -> Result<usize> {
                Ok(fs::read_dir(format!("/proc/{process}/{folder}"))?.count())
            };
            Ok((count("fd")?, count("task")?))
        };
        edit(scene, 1, |text| text.to_owned() + SERVICE)?;
        reloads(scene, 1)?;
        let before = used(scene)?;
        for turn in 0..100 {
            let (from, to) = if turn % 2 == 0 {
                ("100ms", "200ms")
            } else {
                ("200ms", "100ms")
            };
            edit(scene, 1, |text| text.replace(from, to))?;
            scene.cluster.daemon(1).signal(Signal::SIGHUP)?;
            sleep(Duration::from_millis(5));
        }
        // Each signal's reload has its turn, and whoever asks next waits behind them.
        let mut seen = counted(scene, 1)?;
        scene
            .cluster
            .wait_for("all had their turn", PATIENCE, |_| {
                sleep(Duration::from_millis(200));
                let now = counted(scene, 1).ok()?;
                (std::mem::replace(&mut seen, now) == now).then_some(())
            })?;
        reloads(scene, 1)?;
        let (applied, refused) = counted(scene, 1)?;
        ensure!(applied > 20 && refused == 0, "{applied}, {refused}");
        // A program that is looked at just now has its own descriptors.
        scene
            .cluster
            .wait_for("as much is open as before", PATIENCE, |_| {
                (used(scene).ok()? <= before).then_some(())
            })?;
        edit(scene, 1, without_services)?;
        reloads(scene, 1)?;
        scene.stayed(&calm)
    });
}

#[test]
fn a_reload_while_a_hook_runs_leaves_that_one_and_changes_the_next() {
    scenario("reload_during_hook", |scene| {
        scene.cluster.switchover(1, Some(2))?;
        noted(scene, 2, "begun")?;
        edit(scene, 2, |text| {
            text.replace("/slow\"]", "/quick\"]\non_demote = [\"/bin/false\"]")
        })?;
        edit(scene, 2, |text| {
            let node = scene.cluster.daemon(2).folder().display().to_string();
            text.replace("/bin/false", &format!("{node}/quick"))
        })?;
        reloads(scene, 2)?;
        ensure!(counted(scene, 2)? == (1, 0));
        noted(scene, 2, "ended")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.cluster.switchover(2, Some(1))?;
        noted(scene, 2, "on_demote")
    });
}

#[test]
fn reloads_during_a_failover_hold_nothing_up() {
    scenario("reload_during_failover", |scene| {
        edit(scene, 2, |text| text.to_owned() + SERVICE)?;
        edit(scene, 3, |text| text.to_owned() + SERVICE)?;
        let fault_ns = boot_ns();
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        for _ in 0..20 {
            for slot in [2, 3] {
                scene.cluster.daemon(slot).signal(Signal::SIGHUP)?;
            }
            sleep(Duration::from_millis(5));
        }
        let next = scene.next_master(1)?;
        for slot in [2, 3] {
            reloads(scene, slot)?;
            ensure!(counted(scene, slot)?.0 > 1);
            ensure!(services(scene, slot).context("it answers")?.len() == 1);
        }
        let lease = scene.cluster.settings().lease();
        moved_once(&scene.sight(fault_ns)?, 1, next, lease)?;
        scene.cluster.start_one(1)?;
        edit(scene, 1, |text| text.to_owned() + SERVICE)?;
        scene
            .cluster
            .wait_for("slot 1 is back", PATIENCE, |view| view.of(1).map(drop))?;
        reloads(scene, 1)?;
        ensure!(scene.cluster.settle()? == next);
        Ok(())
    });
}
