//! Services that fail: brought back, or handed on.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::client::web::PID_FILE;
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::paths;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::scene::{Scene, moved_once, scenario_with};

const PORT: u16 = 8080;

/// A page, and what brings it back.
const RESTARTED: &str = r#"
[[service]]
name = "web"
http = { url = "http://127.0.0.1:8080/", contains = "ok" }
interval = "100ms"
[service.recovery.master]
command = ["/bin/sh", "-c", "{tool} web 8080 {node} >/dev/null 2>&1 &"]
backoff = "1s"
[service.recovery.slave]
command = ["/bin/sh", "-c", "{tool} web 8080 {node} >/dev/null 2>&1 &"]
backoff = "1s"
"#;

/// A page, and what does not bring it back.
const LOST: &str = r#"
[[service]]
name = "web"
http = { url = "http://127.0.0.1:8080/" }
interval = "100ms"
[service.recovery.master]
command = ["/bin/false"]
attempts = 2
backoff = "100ms"
"#;

/// A process, whose end is told by the kernel; nothing is tried.
const PROCESS: &str = r#"
[[service]]
name = "web"
process = { pid_file = "{node}/web.pid" }
interval = "10s"
timeout = "200ms"
"#;

/// A process that is looked at often.
const OFTEN: &str = r#"
[[service]]
name = "web"
process = { pid_file = "{node}/web.pid" }
interval = "100ms"
"#;

/// The link that clients come by.
const LINK: &str = r#"
[[service]]
name = "uplink"
link = "business"
interval = "50ms"
"#;

/// A program that is well only if it is run as that user, and in a process group of its own.
const AS_A_USER: &str = r#"
[[service]]
name = "program"
command = ["/bin/sh", "-c", "test $(id -u) = 65534 -a $(cut -d ' ' -f 5 /proc/$$/stat) = $$"]
user = "nobody"
interval = "100ms"
timeout = "1s"
"#;

/// A program that hangs as soon as a file is there.
const COMMAND: &str = r#"
[[service]]
name = "program"
command = ["/bin/sh", "-c", "test ! -e {node}/hang || sleep 1000"]
interval = "100ms"
timeout = "300ms"
"#;

/// Runs a scenario in a cluster of three whose pages are answered, and which has settled.
fn scenario(name: &str, more: &'static str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(more),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        for slot in 1..=3 {
            start(scene, slot)?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(300));
        play(scene)
    });
}

/// Starts the page of a node, and waits until it is answered.
pub(crate) fn start(scene: &Scene, slot: u16) -> Result<()> {
    let folder = scene.cluster.daemon(slot).folder();
    let mut command = Command::new(paths::program("lab-tool")?);
    command
        .args(["web", &PORT.to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    scene
        .cluster
        .lab()
        .topology()
        .node(slot)
        .spawn(&mut command)?;
    let file = folder.join(PID_FILE);
    scene
        .cluster
        .wait_for("the page's process is there", PATIENCE, |_| {
            file.exists().then_some(())
        })
}

/// Sends a signal to the process of a node's page.
pub(crate) fn signal(scene: &Scene, slot: u16, signal: Signal) -> Result<()> {
    let file = scene.cluster.daemon(slot).folder().join(PID_FILE);
    let pid = fs::read_to_string(file)?.trim().parse()?;
    kill(Pid::from_raw(pid), signal).context("it lives")
}

/// The first service of a node, as its daemon shows it.
pub(crate) fn service(scene: &Scene, slot: u16) -> Result<Value> {
    let view = scene.cluster.view();
    let status = view.of(slot).context("it answers")?;
    Ok(status["services"][0].clone())
}

/// Waits until the first service of a node is in this state.
pub(crate) fn is(scene: &Scene, slot: u16, state: &str) -> Result<()> {
    let what = format!("the service of slot {slot} is {state}");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        (view.of(slot)?["services"][0]["state"] == state).then_some(())
    })
}

/// Waits until the daemon in `slot` says that it may be elected.
pub(crate) fn may_be_master(scene: &Scene, slot: u16) -> Result<()> {
    let what = format!("slot {slot} may be master");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        (view.of(slot)?["electable"] == true).then_some(())
    })
}

#[test]
fn a_service_that_dies_and_is_brought_back_moves_nothing() {
    scenario("service_restarted", RESTARTED, |scene| {
        let calm = scene.calm()?;
        signal(scene, 1, Signal::SIGKILL)?;
        is(scene, 1, "recovering")?;
        is(scene, 1, "healthy")?;
        signal(scene, 2, Signal::SIGKILL)?;
        is(scene, 2, "recovering")?;
        is(scene, 2, "healthy")?;
        ensure!(scene.told(1, "bringing the service back") > 0);
        let events = scene.events(1)?;
        let became = |word: &str| {
            let mut of_web = events.iter().filter(|event| event["service"] == "web");
            of_web.any(|event| event["to"] == word && event["reason"].is_string())
        };
        ensure!(became("recovering") && became("healthy"), "{events:?}");
        let shown = service(scene, 1)?;
        ensure!(
            shown["fault"].is_null() && shown["last_fault"].is_string(),
            "{shown}"
        );
        ensure!(shown["state_age_us"].as_u64() < Some(10_000_000), "{shown}");
        ensure!(scene.told(2, "bringing the service back") > 0);
        scene.stayed(&calm)
    });
}

#[test]
fn a_service_that_cannot_be_brought_back_hands_mastership_on() {
    scenario("service_lost", LOST, |scene| {
        let fault_ns = boot_ns();
        signal(scene, 1, Signal::SIGKILL)?;
        ensure!(scene.next_master(1)? == 2);
        scene.expect(1, "slave", "its recovery did not help")?;
        scene.diagnosed(2, 1, "service_fault")?;
        ensure!(scene.told(1, "what should bring the service back failed") == 2);
        let failed = (scene.events(1)?.iter())
            .filter(|event| {
                event["reason"] == "what should bring it back failed: ended with exit code 1"
            })
            .count();
        ensure!(
            failed == 2,
            "{failed} attempts that failed are in the history"
        );
        ensure!(scene.alarms(1)?.contains(&"service_fault".to_owned()));
        let view = scene.cluster.view();
        let electable = view.of(1).context("it answers")?["not_electable"].clone();
        ensure!(electable == "service", "{electable}");
        moved_once(
            &scene.sight(fault_ns)?,
            1,
            2,
            scene.cluster.settings().lease(),
        )?;
        start(scene, 1)?;
        is(scene, 1, "healthy")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

#[test]
fn a_master_whose_service_is_lost_stays_while_nobody_is_better() {
    scenario("service_lost_everywhere", LOST, |scene| {
        for slot in [2, 3, 1] {
            signal(scene, slot, Signal::SIGKILL)?;
            is(scene, slot, "lost")?;
        }
        let calm_ns = boot_ns();
        sleep(Duration::from_millis(500));
        scene.reason_of(1, "master")?;
        ensure!(scene.moves(calm_ns)?.is_empty());
        ensure!(scene.alarms(1)?.contains(&"service_fault".to_owned()));
        start(scene, 3)?;
        ensure!(scene.next_master(1)? == 3, "the only one that serves");
        Ok(())
    });
}

#[test]
fn a_service_that_accepts_and_answers_nothing_is_lost_and_shown_as_hung() {
    scenario("service_hangs", LOST, |scene| {
        signal(scene, 1, Signal::SIGSTOP)?;
        ensure!(scene.next_master(1)? == 2);
        let shown = service(scene, 1)?;
        ensure!(shown["overruns"].as_u64() >= Some(2), "{shown}");
        signal(scene, 1, Signal::SIGCONT)?;
        is(scene, 1, "healthy")
    });
}

#[test]
fn the_end_of_a_process_is_noticed_long_before_it_would_be_looked_for() {
    scenario("service_process_ends", PROCESS, |scene| {
        let fault_ns = boot_ns();
        signal(scene, 1, Signal::SIGKILL)?;
        ensure!(scene.next_master(1)? == 2);
        sleep(Duration::from_millis(200));
        let sight = scene.sight(fault_ns)?;
        moved_once(&sight, 1, 2, scene.cluster.settings().lease())
    });
}

#[test]
fn a_process_that_is_stopped_is_not_well() {
    scenario("service_process_stopped", OFTEN, |scene| {
        signal(scene, 1, Signal::SIGSTOP)?;
        ensure!(scene.next_master(1)? == 2);
        let shown = service(scene, 1)?;
        let fault = shown["fault"].as_str().unwrap_or_default();
        ensure!(fault.contains("is stopped"), "{shown}");
        signal(scene, 1, Signal::SIGCONT)?;
        is(scene, 1, "healthy")
    });
}

#[test]
fn a_master_that_loses_its_business_network_hands_mastership_on() {
    scenario("service_link", LINK, |scene| {
        wire::unplug(scene.cluster.lab().topology(), 1, Network::Business)?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(1, "a service of this node failed")?;
        wire::heal(scene.cluster.lab().topology(), 1, Network::Business)?;
        is(scene, 1, "healthy")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

#[test]
fn a_check_is_run_as_the_user_that_is_named() {
    scenario("service_check_as_a_user", AS_A_USER, |scene| {
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        Ok(())
    });
}

#[test]
fn a_check_that_hangs_is_killed_and_delays_nothing() {
    scenario("service_check_hangs", COMMAND, |scene| {
        let calm = scene.calm()?;
        let hang = scene.cluster.daemon(2).folder().join("hang");
        fs::write(&hang, "")?;
        is(scene, 2, "lost")?;
        scene.diagnosed(1, 2, "service_fault")?;
        let shown = service(scene, 2)?;
        ensure!(shown["overruns"].as_u64() >= Some(2), "{shown}");
        let next = scene.cluster.view();
        let heir = next.of(1).context("it answers")?["successor_slot"].clone();
        ensure!(heir == 3, "slot 2 is the successor: {heir}");
        fs::remove_file(&hang)?;
        is(scene, 2, "healthy")?;
        scene.stayed(&calm)
    });
}
