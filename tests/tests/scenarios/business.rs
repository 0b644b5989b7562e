//! The way that clients come by: the business network as its devices tell of it.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::fault::{reference, wire};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario_with};
use crate::services::{is, service};

/// The bridge of the business network is the device that is asked.
const REFERENCE: &str = r#"
[[service]]
name = "clients"
reference = ["203.0.113.254"]
interval = "100ms"
"#;

fn scenario(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        more: Some(REFERENCE),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        sleep(Duration::from_millis(300));
        play(scene)
    });
}

#[test]
fn a_master_that_hears_nothing_on_its_business_network_hands_mastership_on() {
    scenario("business_cut", |scene| {
        let fault_ns = boot_ns();
        // The link keeps its carrier: only an answer tells.
        wire::cut(scene.cluster.lab().topology(), 1, Network::Business)?;
        ensure!(scene.next_master(1)? == 2);
        scene.steps_down(1, "a service of this node failed")?;
        let shown = service(scene, 1)?;
        let fault = shown["fault"].as_str().context("it has one")?;
        ensure!(
            fault.starts_with("no answer from 203.0.113.254 on biz0"),
            "{shown}"
        );
        for slot in [2, 3] {
            is(scene, slot, "healthy")?;
        }
        sleep(Duration::from_millis(200));
        // Two checks, and two more that a master waits; the last one for its whole time.
        let noticed = Duration::from_millis(100) * 5;
        let lease = scene.cluster.settings().lease();
        moved_once(&scene.sight(fault_ns)?, 1, 2, noticed + lease)?;
        wire::heal(scene.cluster.lab().topology(), 1, Network::Business)?;
        is(scene, 1, "healthy")?;
        ensure!(scene.cluster.settle()? == 2);
        scene.quiet()
    });
}

#[test]
fn a_device_that_ceases_to_answer_everybody_moves_nothing() {
    scenario("business_reference_lost", |scene| {
        let calm = scene.calm()?;
        reference::answers(scene.cluster.lab().topology(), false)?;
        for slot in 1..=3 {
            is(scene, slot, "lost")?;
        }
        ensure!(scene.alarms(1)?.contains(&"service_fault".to_owned()));
        sleep(Duration::from_millis(500));
        reference::answers(scene.cluster.lab().topology(), true)?;
        for slot in 1..=3 {
            is(scene, slot, "healthy")?;
        }
        scene.stayed(&calm)
    });
}
