//! `heartbeatctl tune` and `bundle` on nodes of a cluster that works: what was counted comes through.

use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::paths;
use serde_json::Value;

use crate::scene::{Scene, scenario};

#[test]
fn a_slave_tells_what_its_timers_are_good_for_and_promises_nothing_too_rare() {
    scenario("tune", |scene| {
        sleep(Duration::from_secs(2));
        // Longer than a second is all that so frequent an event needs.
        let output = tune(scene, "30/hour")?;
        let found: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(found["gaps"].as_u64() > Some(100), "{found}");
        ensure!(found["measured_s"].as_f64() > Some(1.5), "{found}");
        ensure!(found["now"]["timers"]["period_us"] == 10_000, "{found}");
        ensure!(found["now"]["lease_us"] == 50_000, "{found}");
        let outcome = found["outcome"]["is"].as_str();
        ensure!(
            matches!(outcome, Some("recommended" | "none_within")),
            "{found}"
        );
        ensure!(output.status.success() == (outcome == Some("recommended")));

        let output = tune(scene, "1/year")?;
        let found: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(found["outcome"]["is"] == "too_short", "{found}");
        ensure!(output.status.code() == Some(1), "{}", output.status);

        bundled(scene)
    });
}

fn tune(scene: &Scene, wanted: &str) -> Result<Output> {
    ask(scene, &["tune", "--json", "--false-failovers", wanted])
}

fn bundled(scene: &Scene) -> Result<()> {
    let archive = scene.cluster.lab().folder().join("bundle.tar.gz");
    let config = scene.cluster.lab().folder().join("heartbeatd.toml");
    let (archive, config) = (archive.to_string_lossy(), config.to_string_lossy());
    let output = ask(
        scene,
        &[
            "bundle", "--output", &archive, "--config", &config, "--slot", "3",
        ],
    )?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}");
    for part in ["daemon/status.json", "daemon/lateness.json", "doctor.json"] {
        ensure!(!said.contains(&format!("without {part}")), "{said}");
    }
    let listed = Command::new("tar").args(["-tzf", &archive]).output()?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    ensure!(names.contains("/daemon/lateness.json"), "{names}");
    Ok(())
}

/// Asks slot 3, a slave, in its network namespace.
fn ask(scene: &Scene, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(paths::program("heartbeatctl")?);
    command
        .arg("--control")
        .arg(scene.cluster.daemon(3).socket())
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let node = scene.cluster.lab().topology().node(3);
    Ok(node.spawn(&mut command)?.wait_with_output()?)
}
