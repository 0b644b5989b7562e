//! The management network's switch is gone: the business network carries the heartbeats meanwhile.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::skip::{Need, lacks};

use crate::scene::{Scene, scenario};

#[test]
fn a_switch_that_reboots_moves_nothing() {
    scenario("switch", |scene| gone_for(scene, Duration::from_secs(5)));
}

#[test]
fn a_switch_that_is_gone_for_a_minute_moves_nothing() {
    if lacks("switch_for_a_minute", &[Need::Long]) {
        return;
    }
    scenario("switch_for_a_minute", |scene| {
        gone_for(scene, Duration::from_secs(60))
    });
}

fn gone_for(scene: &mut Scene, time: Duration) -> Result<()> {
    let calm = scene.calm()?;
    set_switch(scene, "down")?;
    scene.degraded(true)?;
    sleep(time);
    scene.degraded(true)?;
    set_switch(scene, "up")?;
    scene.degraded(false)?;
    scene.stayed(&calm)
}

fn set_switch(scene: &Scene, state: &str) -> Result<()> {
    let bridge = scene.cluster.lab().topology().bridge(Network::Management);
    run(
        "ip",
        &["-netns", bridge.name(), "link", "set", "br0", state],
    )
    .map(drop)
}
