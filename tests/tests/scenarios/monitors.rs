//! What a service can be watched by, each made to fail by what it is there for: a port, a file, a process's name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::hooks::file;
use crate::pair::guaranteed;
use crate::scene::{Scene, scenario_with};
use crate::services::{may_be_master, signal, start};

/// One of each. The nodes of a lab share their processes, so that each node's has a name of its own.
const THREE: Settings = Settings {
    more: Some(
        r#"
[[service]]
name = "port"
tcp = "127.0.0.1:8080"
interval = "100ms"
[[service]]
name = "file"
file = { path = "{node}/written", max_age = "1s" }
interval = "100ms"
[[service]]
name = "process"
process = { name = "lab-named-{slot}" }
interval = "100ms"
"#,
    ),
    ..Settings::PAIR
};

/// Writes its node's file again and again, or only lives.
const WRITES: &str = "#!/bin/sh\nwhile touch ${0%/*}/written; do sleep 0.1; done\n";
const LIVES: &str = "#!/bin/sh\nwhile sleep 0.1; do :; done\n";

/// A program that runs on a node until it is killed.
struct Program(Child);

impl Program {
    /// Starts this script on a node: it is called as its file is.
    fn start(scene: &Scene, slot: u16, name: &str, script: &str) -> Result<Self> {
        let path = file(scene, slot, name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let mut command = Command::new(path);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let node = scene.cluster.lab().topology().node(slot);
        Ok(Self(node.spawn(&mut command)?))
    }

    fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.kill();
    }
}

fn writes(scene: &Scene, slot: u16) -> Result<Program> {
    Program::start(scene, slot, "writes", WRITES)
}

fn lives(scene: &Scene, slot: u16) -> Result<Program> {
    Program::start(scene, slot, &format!("lab-named-{slot}"), LIVES)
}

/// That service of a node, as its daemon shows it.
fn service<'a>(view: &'a View, slot: u16, name: &str) -> Option<&'a Value> {
    let mut all = view.of(slot)?["services"].as_array()?.iter();
    all.find(|service| service["name"] == name)
}

/// Waits until every service of a node is well, and it may be master.
fn is_well(scene: &Scene, slot: u16) -> Result<()> {
    let what = format!("the services of slot {slot} are healthy");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        let all = ["port", "file", "process"].map(|name| service(view, slot, name));
        let is_healthy =
            |service: &Option<&Value>| service.is_some_and(|service| service["state"] == "healthy");
        all.iter().all(is_healthy).then_some(())
    })?;
    may_be_master(scene, slot)
}

/// Waits until the master in `slot` has handed on because this service of its failed, and no other: `fault` is what
/// its history says of it.
fn handed_on(scene: &Scene, slot: u16, name: &str, fault: &str) -> Result<()> {
    let next = scene.next_master(slot)?;
    ensure!(next == 3 - slot);
    scene.steps_down(slot, "a service of this node failed")?;
    guaranteed(scene, next, "quorum")?;
    scene.diagnosed(next, slot, "service_fault")?;
    let events = scene.events(slot)?;
    let failed = events.iter().rfind(|event| event["service"].is_string());
    let failed = failed.context("it is in the history")?;
    let reason = failed["reason"].as_str().unwrap_or_default();
    ensure!(
        failed["service"] == name && failed["to"] == "lost",
        "{failed}"
    );
    ensure!(reason.contains(fault), "{fault:?} in {failed}");
    let view = scene.cluster.view();
    let shown = service(&view, slot, name).context("it is shown")?;
    ensure!(
        shown["state"] == "lost" && shown["fault"].is_string(),
        "{shown}"
    );
    ensure!(scene.alarms(slot)?.contains(&"service_fault".to_owned()));
    Ok(())
}

#[test]
fn a_port_that_is_closed_a_file_that_is_not_written_and_a_process_that_ends_hand_mastership_on() {
    scenario_with("monitors", THREE, |scene| {
        let mut writing = [writes(scene, 1)?, writes(scene, 2)?];
        let mut living = [lives(scene, 1)?, lives(scene, 2)?];
        for slot in [1, 2] {
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in [1, 2] {
            is_well(scene, slot)?;
        }

        signal(scene, 1, Signal::SIGKILL)?;
        handed_on(scene, 1, "port", "no connection to 127.0.0.1:8080")?;
        start(scene, 1)?;
        is_well(scene, 1)?;

        writing[1].kill()?;
        handed_on(scene, 2, "file", "/written was written ")?;
        writing[1] = writes(scene, 2)?;
        is_well(scene, 2)?;

        let pid = living[0].0.id();
        living[0].kill()?;
        handed_on(scene, 1, "process", &format!("process {pid} has ended"))?;
        living[0] = lives(scene, 1)?;
        is_well(scene, 1)?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}
