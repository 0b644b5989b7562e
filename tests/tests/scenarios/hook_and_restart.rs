//! A daemon is restarted as planned while a hook runs: the hook ends first, and is run once.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use nix::sys::signal::Signal;

use crate::hooks::{does, file, notes, ran, scenario_by};
use crate::scene::Scene;

/// Hooks that may take long.
const LONG: &str = r#"
[hooks]
on_promote = ["{node}/hook"]
on_demote = ["{node}/hook"]
timeout = "10s"
"#;

/// What a hook does that runs until somebody lets it go, and notes its end.
const WAITS: &str = "i=0; while test ! -e $node/go && test $((i += 1)) -lt 1000; do sleep 0.02; done; echo ended >>$node/ran";

/// Slot 2 is master, and its hook runs until it is let go.
fn scenario(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(LONG),
        ..Settings::default()
    };
    scenario_by(name, settings, |scene| {
        does(scene, 2, "on_promote", WAITS)?;
        scene.cluster.switchover(1, Some(2))?;
        ran(scene, 2, "on_promote")?;
        ensure!(scene.cluster.settle()? == 2);
        sleep(Duration::from_millis(200));
        play(scene)
    });
}

fn let_go(scene: &Scene) -> Result<()> {
    Ok(fs::write(file(scene, 2, "go"), "")?)
}

/// The mastership is the same, and its hook was run once, to its end.
fn ran_once(scene: &Scene) -> Result<()> {
    sleep(Duration::from_millis(300));
    let notes = notes(scene, 2);
    ensure!(
        matches!(&notes[..], [begun, ended] if begun.starts_with("on_promote") && ended == "ended"),
        "{notes:?}"
    );
    ensure!(scene.told(2, "running a hook") == 1);
    Ok(())
}

#[test]
fn a_signal_waits_until_the_hook_has_ended() {
    scenario("hook_before_restart", |scene| {
        let calm = scene.calm()?;
        scene.cluster.daemon(2).signal(Signal::SIGUSR2)?;
        sleep(Duration::from_secs(1));
        ensure!(scene.cluster.daemon_mut(2).runs()?, "the hook still runs");
        ensure!(notes(scene, 2).len() == 1);
        let_go(scene)?;
        let code = scene.cluster.daemon_mut(2).wait(PATIENCE)?;
        ensure!(code == Some(0), "{code:?}");
        scene.cluster.start_one(2)?;
        scene.stayed(&calm)?;
        ran_once(scene)
    });
}

#[test]
fn a_command_that_would_wait_too_long_is_refused_and_names_the_hook() {
    scenario("hook_refuses_restart", |scene| {
        let calm = scene.calm()?;
        let restart = |scene: &Scene| scene.cluster.daemon(2).contact().control(&["restart"]);
        let refused = restart(scene)?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        ensure!(said.contains("on_promote still runs"), "{said}");
        ensure!(scene.cluster.daemon_mut(2).runs()?);
        let_go(scene)?;
        ran_once(scene)?;
        let granted = restart(scene)?;
        ensure!(granted.status.success(), "{granted:?}");
        ensure!(scene.cluster.daemon_mut(2).wait(PATIENCE)? == Some(0));
        scene.cluster.start_one(2)?;
        scene.stayed(&calm)?;
        ran_once(scene)?;
        // Hooks are run again by the daemon that came.
        scene.cluster.switchover(2, Some(1))?;
        ran(scene, 2, "on_demote").map(drop)
    });
}

#[test]
fn a_stop_overtakes_a_restart_that_waits() {
    scenario("stop_before_restart", |scene| {
        scene.cluster.daemon(2).signal(Signal::SIGUSR2)?;
        sleep(Duration::from_millis(300));
        scene.cluster.daemon(2).signal(Signal::SIGTERM)?;
        ensure!(scene.next_master(2)? == 1);
        let_go(scene)?;
        let code = scene.cluster.daemon_mut(2).wait(PATIENCE)?;
        ensure!(code == Some(0), "{code:?}");
        let notes = notes(scene, 2);
        let last = notes.last().map(String::as_str).unwrap_or_default();
        ensure!(last.starts_with("on_demote"), "{notes:?}");
        Ok(())
    });
}
