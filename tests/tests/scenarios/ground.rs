//! The ground a daemon stands on: its interface, its pins, its socket.

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use heartbeat_tests::paths;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario, scenario_with};

#[test]
fn a_second_daemon_on_the_same_pins_or_socket_refuses_to_start_and_disturbs_nobody() {
    scenario("ground_second_daemon", |scene| {
        let from_ns = boot_ns();
        let daemon = scene.cluster.daemon(1);
        let other = scene.cluster.lab().folder().join("other.sock");
        let pins = daemon.pins().display().to_string();
        let same_pins = second_daemon(scene, &other.display().to_string(), &pins)?;
        refused(&same_pins, "another daemon")?;
        let other_pins = format!("{pins}-other");
        let same_socket =
            second_daemon(scene, &daemon.socket().display().to_string(), &other_pins)?;
        refused(&same_socket, "control.sock")?;
        sleep(Duration::from_millis(300));
        ensure!(scene.cluster.settle()? == 1);
        ensure!(scene.moves(from_ns)?.is_empty());
        Ok(())
    });
}

#[test]
fn a_daemon_whose_interface_is_down_at_the_start_waits_for_it_and_then_takes_part() {
    scenario_with("ground_interface_down", Settings::default(), |scene| {
        set_management_link(scene, 3, "down")?;
        scene.cluster.start_all()?;
        scene.expect(1, "master", "majority of electors voted")?;
        let waits = |_: &View| {
            let log = scene.cluster.daemon(3).log_tail();
            log.contains("waiting for interface mgmt0").then_some(())
        };
        scene
            .cluster
            .wait_for("slot 3 says that it waits", PATIENCE, waits)?;
        set_management_link(scene, 3, "up")?;
        ensure!(scene.cluster.settle()? == 1);
        scene.expect(3, "slave", "slot 1")
    });
}

#[test]
fn a_slave_whose_interface_was_set_down_and_up_again_follows_as_before() {
    scenario("ground_interface_down_and_up", |scene| {
        let from_ns = boot_ns();
        set_management_link(scene, 3, "down")?;
        scene
            .diagnosed(1, 3, "management_fault")
            .or_else(|_| scene.diagnosed(1, 3, "down"))?;
        set_management_link(scene, 3, "up")?;
        ensure!(scene.cluster.settle()? == 1);
        ensure!(scene.moves(from_ns)?.is_empty());
        Ok(())
    });
}

fn set_management_link(scene: &Scene, slot: u16, state: &str) -> Result<()> {
    let node = scene.cluster.lab().topology().node(slot).name();
    run(
        "ip",
        &[
            "-netns",
            node,
            "link",
            "set",
            Network::Management.interface(),
            state,
        ],
    )
    .map(drop)
}

/// Runs one more daemon for slot 1 until it ends, which must be soon.
fn second_daemon(scene: &Scene, socket: &str, pins: &str) -> Result<Output> {
    let folder = scene.cluster.lab().folder();
    let config = folder.join("heartbeatd.toml").display().to_string();
    let state = folder.join("other-state").display().to_string();
    let mut command = Command::new("timeout");
    command
        .arg("3")
        .arg(paths::program("heartbeatd")?)
        .args(["--config", &config, "--slot", "1", "--control", socket])
        .args(["--bpf-dir", pins, "--state", &state])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = scene.cluster.lab().topology().node(1).spawn(&mut command)?;
    child
        .wait_with_output()
        .context("the second daemon's output")
}

fn refused(output: &Output, words: &str) -> Result<()> {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(
        output
            .status
            .code()
            .is_some_and(|code| code != 0 && code != 124),
        "it ended with {}: {said}",
        output.status
    );
    ensure!(said.contains(words), "{words:?} is missing in: {said}");
    Ok(())
}
