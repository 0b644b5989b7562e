//! Services that systemd looks after: a real bus, and one on it that does as a file says.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::systemd::{BUS, BUS_PID, MAIN_PID, READY, RESTARTS, STATE, STUCK};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::paths;
use heartbeat_tests::skip::{Need, lacks};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::scene::{Scene, scenario_with};
use crate::services::{is, service};

/// Looked at seldom, so that what is noticed before was told.
const WATCHED: &str = r#"
[[service]]
name = "web"
unit = { name = "web.service" }
interval = "10s"
timeout = "1s"
rise = 1
"#;

const MAIN_PROCESS: &str = r#"
[[service]]
name = "web"
process = { unit = "web.service" }
interval = "1s"
rise = 1
"#;

const RESTARTED: &str = r#"
[[service]]
name = "web"
unit = { name = "web.service" }
interval = "200ms"
rise = 1
[service.recovery.master]
unit = "web.service"
attempts = 2
backoff = "500ms"
"#;

const NO_BUS: &str = "the system's D-Bus does not answer";

/// Runs a scenario in a cluster of three with a unit each, and which has settled.
fn scenario(name: &str, more: &'static str, play: impl Fn(&mut Scene) -> Result<()>) {
    if lacks(name, &[Need::Dbus]) {
        return;
    }
    let settings = Settings {
        more: Some(more),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        for slot in 1..=3 {
            start_systemd(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        play(scene)
    });
}

fn start_systemd(scene: &Scene, slot: u16) -> Result<()> {
    let folder = scene.cluster.daemon(slot).folder();
    let mut command = Command::new(paths::program("lab-tool")?);
    command
        .arg("systemd")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let topology = scene.cluster.lab().topology();
    topology.node(slot).spawn(&mut command)?;
    let ready = folder.join(READY);
    scene
        .cluster
        .wait_for("systemd is on its bus", PATIENCE, |_| {
            ready.exists().then_some(())
        })
}

fn file(scene: &Scene, slot: u16, name: &str) -> PathBuf {
    scene.cluster.daemon(slot).folder().join(name)
}

#[test]
fn a_unit_that_fails_is_noticed_long_before_it_would_be_looked_for() {
    scenario("unit_fails", WATCHED, |scene| {
        let begun = Instant::now();
        fs::write(file(scene, 1, STATE), "failed")?;
        ensure!(scene.next_master(1)? == 2);
        ensure!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
        let shown = service(scene, 1)?;
        ensure!(
            shown["fault"] == "web.service is failed (of-the-lab)",
            "{shown}"
        );
        fs::write(file(scene, 1, STATE), "active")?;
        is(scene, 1, "healthy")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

#[test]
fn a_unit_is_restarted_over_the_bus_and_nothing_moves() {
    scenario("unit_restarted", RESTARTED, |scene| {
        let calm = scene.calm()?;
        fs::write(file(scene, 1, STATE), "failed")?;
        scene
            .cluster
            .wait_for("systemd was told to restart it", PATIENCE, |_| {
                file(scene, 1, RESTARTS).exists().then_some(())
            })?;
        is(scene, 1, "healthy")?;
        let restarts = fs::read_to_string(file(scene, 1, RESTARTS))?;
        ensure!(restarts == "web.service replace\n", "{restarts}");
        scene.stayed(&calm)
    });
}

#[test]
fn a_unit_whose_restart_fails_hands_mastership_on() {
    scenario("unit_not_restarted", RESTARTED, |scene| {
        fs::write(file(scene, 1, STUCK), "")?;
        fs::write(file(scene, 1, STATE), "failed")?;
        ensure!(scene.next_master(1)? == 2);
        scene.expect(1, "slave", "its recovery did not help")?;
        let told = scene.told(1, "restart of web.service ended with \\\"failed\\\"");
        ensure!(told == 2, "{told} of 2 attempts are in the log");
        let restarts = fs::read_to_string(file(scene, 1, RESTARTS))?;
        ensure!(restarts.lines().count() == 2, "{restarts}");
        Ok(())
    });
}

/// Once it is held, the kernel tells of its end, and no bus is needed for it.
#[test]
fn a_main_process_that_ends_is_noticed_even_without_a_bus() {
    if lacks("unit_main_process", &[Need::Dbus]) {
        return;
    }
    let settings = Settings {
        more: Some(MAIN_PROCESS),
        ..Settings::default()
    };
    scenario_with("unit_main_process", settings, |scene| {
        let mut mains = Vec::new();
        for slot in 1..=3 {
            mains.push(start_main(scene, slot)?);
            start_systemd(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        end_bus(scene, 1)?;
        let pid = mains[0].0.id();
        drop(mains.swap_remove(0));
        ensure!(scene.next_master(1)? == 2);
        let told = scene.told(1, &format!("process {pid} has ended"));
        ensure!(told > 0, "its end is not in the log");
        scene
            .cluster
            .wait_for("it is asked for", PATIENCE, |view| {
                let fault = view.of(1)?["services"][0]["fault"].as_str()?.to_owned();
                fault.contains(NO_BUS).then_some(())
            })?;
        // The next one is found where the service says that it is.
        mains.push(start_main(scene, 1)?);
        start_systemd(scene, 1)?;
        is(scene, 1, "healthy")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

/// Ends with the scenario.
struct Main(Child);

impl Drop for Main {
    fn drop(&mut self) {
        // Fails only for one that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts what the node's service has as its main process.
fn start_main(scene: &Scene, slot: u16) -> Result<Main> {
    let main = Main(Command::new("sleep").arg("600").spawn()?);
    fs::write(file(scene, slot, MAIN_PID), main.0.id().to_string())?;
    Ok(main)
}

fn end_bus(scene: &Scene, slot: u16) -> Result<()> {
    let text = fs::read_to_string(file(scene, slot, BUS_PID))?;
    fs::remove_file(file(scene, slot, READY))?;
    kill(Pid::from_raw(text.trim().parse()?), Signal::SIGKILL).context("it lives")?;
    fs::remove_file(file(scene, slot, BUS))?;
    Ok(())
}

#[test]
fn a_bus_that_is_gone_is_a_diagnosis_and_comes_back() {
    scenario("unit_without_a_bus", WATCHED, |scene| {
        let calm = scene.calm()?;
        end_bus(scene, 2)?;
        scene
            .cluster
            .wait_for("the bus is missed", PATIENCE, |view| {
                let fault = view.of(2)?["services"][0]["fault"].as_str()?.to_owned();
                fault.contains(NO_BUS).then_some(())
            })?;
        start_systemd(scene, 2)?;
        scene
            .cluster
            .wait_for("the bus answers", PATIENCE * 3, |view| {
                (view.of(2)?["services"][0]["fault"].is_null()).then_some(())
            })?;
        is(scene, 2, "healthy")?;
        scene.stayed(&calm)
    });
}
