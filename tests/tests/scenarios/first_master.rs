//! What became of the first master: the second one finds it out, and says so in its log, its history, `status`, `explain`,
//! and as an alarm. One real fault for each word.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::{PATIENCE, SERVICE_PID};
use heartbeat_tests::lab::settings::Settings;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, scenario_with};

/// Every node watches its own answering service, and nothing brings it back.
const SERVICE: &str = r#"
[[service]]
name = "answers"
process = { pid_file = "{node}/service.pid" }
interval = "100ms"
timeout = "100ms"
"#;

/// What is found out may take so long: of one that is well, half a second and 30 periods are waited for, and what the
/// service's age needs.
const BOUND: Duration = Duration::from_millis(2_500);

fn scenario(name: &str, more: &'static str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(more),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        scene.quiet()?;
        play(scene)
    });
}

/// Waits until the second master has found out what became of slot 1, and checks that it says so everywhere.
fn found(scene: &Scene, diagnosis: &str, cause: &str) -> Result<u16> {
    let second = scene.next_master(1)?;
    let what = format!("slot {second} finds slot 1 {diagnosis}");
    let first = scene.cluster.wait_for(&what, PATIENCE, |view| {
        let first = view.of(second)?.get("first_master")?.clone();
        (!first.is_null()).then_some(first)
    })?;
    println!("{first}");
    ensure!(first["first_master"] == 1, "{first}");
    ensure!(first["diagnosis"] == diagnosis, "{first}");
    ensure!(words(&first, "cause").contains(cause), "{first}");
    let after = Duration::from_micros(first["after_us"].as_u64().context("a number")?);
    ensure!(after < BOUND, "{after:?}");
    let events = scene.events(second)?;
    let kept = events
        .iter()
        .rfind(|event| event.get("first_master").is_some());
    ensure!(kept == Some(&first), "the history has {kept:?}");
    ensure!(scene.told(second, "what became of the first master") > 0);
    let explained = scene
        .cluster
        .daemon(second)
        .contact()
        .control(&["explain"])?;
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    let sentence = format!("Slot 1 (n1), the master before, was found {diagnosis}");
    ensure!(explained.contains(&sentence), "{explained}");
    if diagnosis != "healthy" {
        diagnosed(scene, second, diagnosis, cause)?;
    }
    Ok(second)
}

/// The alarm of that name stands, and the member's line has cause, since when, and what to do.
fn diagnosed(scene: &Scene, by: u16, diagnosis: &str, cause: &str) -> Result<()> {
    let what = format!("the alarm {diagnosis} of slot 1 stands at slot {by}");
    let (alarm, member) = scene.cluster.wait_for(&what, PATIENCE, |view| {
        let alarms = view.of(by)?["alarms"].as_array()?;
        let is_it = |alarm: &&Value| alarm["slot"] == 1 && alarm["name"] == diagnosis;
        Some((
            alarms.iter().find(is_it)?.clone(),
            view.member(by, 1)?.clone(),
        ))
    })?;
    ensure!(member["diagnosis"] == diagnosis, "{member}");
    ensure!(words(&member, "cause").contains(cause), "{member}");
    for entry in [&alarm, &member] {
        ensure!(!words(entry, "since").is_empty(), "{entry}");
        ensure!(!words(entry, "cure").is_empty(), "{entry}");
    }
    Ok(())
}

fn words(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_first_master_that_handed_over_is_well() {
    scenario("first_master_healthy", "", |scene| {
        scene.cluster.switchover(1, Some(2))?;
        found(scene, "healthy", "")?;
        ensure!(scene.alarms(2)?.is_empty());
        Ok(())
    });
}

#[test]
fn a_first_master_that_is_gone_for_good_is_down() {
    scenario("first_master_down", "", |scene| {
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        found(
            scene,
            "down",
            "nor on the business network to three questions",
        )?;
        Ok(())
    });
}

#[test]
fn a_first_master_whose_daemon_is_frozen_has_a_stalled_daemon() {
    scenario("first_master_frozen", "", |scene| {
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        found(scene, "daemon_stalled", "gave no sign of life for")?;
        scene.cluster.daemon(1).signal(Signal::SIGCONT)
    });
}

#[test]
fn a_first_master_that_lost_its_management_link_has_a_fault_of_management() {
    scenario("first_master_management", "", |scene| {
        // While it is master nothing moves by this alone: it asks over the business network.
        scene.cluster.switchover(1, Some(2))?;
        wire::cut(scene.cluster.lab().topology(), 1, Network::Management)?;
        found(
            scene,
            "management_fault",
            "it answers on the business network",
        )?;
        Ok(())
    });
}

#[test]
fn a_first_master_that_handed_over_for_its_service_has_a_fault_of_service() {
    scenario("first_master_service", SERVICE, |scene| {
        let file = scene.cluster.daemon(1).folder().join(SERVICE_PID);
        ensure!(fs::exists(&file)?, "{}", file.display());
        scene.cluster.kill_service(1)?;
        found(scene, "service_fault", "last found well")?;
        scene.steps_down(1, "a service of this node failed")
    });
}

#[test]
fn a_first_master_that_handed_over_since_it_is_cut_off_from_the_business_network_has_a_fault_of_business()
 {
    scenario("first_master_business", "", |scene| {
        wire::unplug(scene.cluster.lab().topology(), 1, Network::Business)?;
        found(scene, "business_fault", "none of 5 questions in a row")?;
        scene.steps_down(1, "not reachable over the business network")
    });
}

#[test]
fn a_first_master_with_another_file_is_misconfigured_before_all_else() {
    scenario("first_master_file", "", |scene| {
        let file = scene.cluster.daemon(1).folder().join("heartbeatd.toml");
        let text = fs::read_to_string(&file)?;
        let other = text.replace(
            "mode = \"quorum\"",
            "mode = \"quorum\"\npreempt_after = \"1h\"",
        );
        fs::write(&file, other)?;
        let reloaded = scene.cluster.daemon(1).contact().control(&["reload"])?;
        ensure!(reloaded.status.success(), "{reloaded:?}");
        // The new digest is in its kernel's answers once its daemon has told it.
        sleep(Duration::from_millis(200));
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        found(scene, "misconfigured", "its configuration has the digest")?;
        scene.cluster.daemon(1).signal(Signal::SIGCONT)
    });
}
