//! Alarms at the real Alertmanager: one alert, whoever is master, until it is over.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::alertmanager::{Alertmanager, PROGRAM};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{self, Need};
use serde_json::Value;

use crate::scene::scenario_with;

const SINK: &str = r#"
[alarms]
hold = "1s"

[[alarms.sink]]
name = "manager"
alertmanager = "http://203.0.113.200:9093"
timeout = "2s"
resend = "1s"
"#;

/// A busy machine starts it in seconds.
const SOON: Duration = Duration::from_secs(20);

/// Waits until so many alerts of this name are active, and returns them.
fn await_active(manager: &Alertmanager<'_>, name: &str, count: usize) -> Result<Vec<Value>> {
    let begun = Instant::now();
    loop {
        let mut active = manager.active().unwrap_or_default();
        active.retain(|alert| alert["labels"]["alertname"] == name);
        if active.len() == count {
            return Ok(active);
        }
        ensure!(
            begun.elapsed() < SOON,
            "{count} of {name} were expected: {active:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_missing_member_is_one_alert_over_a_change_of_master_and_is_resolved_when_it_is_back() {
    let name = "alertmanager";
    if skip::lacks(name, &[Need::Tool(PROGRAM, "prometheus-alertmanager")]) {
        return;
    }
    let settings = Settings {
        more: Some(SINK),
        ..Settings::default()
    };
    scenario_with(name, settings, |scene| {
        let address = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 200), 9093));
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let lab = scene.cluster.lab();
        let manager = Alertmanager::start(lab.topology().client(), address, lab.folder())?;
        wire::kill_node(lab.topology(), 3, Death::Silent)?;
        let first = await_active(&manager, "down", 1)?;
        ensure!(first[0]["status"]["state"] == "active", "{first:?}");
        ensure!(first[0]["annotations"]["reporter"] == "n1", "{first:?}");
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.next_master(1)? == 2);
        let begun = Instant::now();
        let second = loop {
            let active = await_active(&manager, "down", 1)?;
            if active[0]["annotations"]["reporter"] == "n2" {
                break active;
            }
            ensure!(begun.elapsed() < SOON, "n2 says nothing: {active:?}");
            std::thread::sleep(Duration::from_millis(50));
        };
        ensure!(
            second[0]["fingerprint"] == first[0]["fingerprint"],
            "{first:?}, {second:?}"
        );
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        ensure!(scene.cluster.settle()? == 2);
        await_active(&manager, "down", 0)?;
        Ok(())
    });
}
