//! A firewall closes the control port while all is quiet.

use anyhow::{Result, ensure};
use heartbeat_tests::fault::filter::{self, Way};
use heartbeat_tests::lab::addresses::CONTROL_PORT;
use heartbeat_tests::lab::view::View;
use std::time::Duration;

use crate::scene::{Scene, scenario};

/// Two polls of 10 s each go by before a closed port is sure.
const NOTICED: Duration = Duration::from_secs(40);

#[test]
fn a_closed_control_port_is_an_alarm_on_a_quiet_day_and_gone_when_it_is_open_again() {
    scenario("control_port", |scene| {
        let calm = scene.calm()?;
        electable(scene, true)?;
        let node = scene.cluster.lab().topology().node(2);
        filter::drop_port(node, CONTROL_PORT, Way::In)?;
        electable(scene, false)?;
        filter::pass(node)?;
        electable(scene, true)?;
        scene.stayed(&calm)
    });
}

/// Waits until slot 2 says so, by its status and by its alarm.
fn electable(scene: &Scene, expected: bool) -> Result<()> {
    let is_so = |view: &View| {
        let status = view.of(2)?;
        let alarms = status["alarms"].as_array()?;
        let alarm = alarms.iter().any(|alarm| alarm["name"] == "not_electable");
        (status["electable"] == expected && alarm != expected)
            .then(|| status["not_electable"].clone())
    };
    let what = format!("slot 2 is electable: {expected}");
    let reason = scene.cluster.wait_for(&what, NOTICED, is_so)?;
    ensure!(expected || reason == "control_port", "{reason}");
    Ok(())
}
