//! Somebody else deletes the address on the master.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use heartbeat_tests::lab::command::run;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario};

#[test]
fn an_address_deleted_behind_the_masters_back_is_added_again_and_nobody_else_serves() {
    scenario("address", deleted);
}

pub(crate) fn deleted(scene: &mut Scene) -> Result<()> {
    let fault_ns = boot_ns();
    let node = scene.cluster.lab().topology().node(1).name().to_owned();
    let settings = scene.cluster.settings();
    let (address, interface) = (settings.virtual_address().to_string(), settings.carrier());
    // Alone, an address stands for itself: /32 or /128.
    run(
        "ip",
        &["-netns", &node, "addr", "del", &address, "dev", interface],
    )?;
    let deleted = Instant::now();
    while !scene.has_address(1)? {
        ensure!(
            deleted.elapsed() < Duration::from_secs(1),
            "it is not there again after a second"
        );
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(300));
    let sight = scene.sight(fault_ns)?;
    ensure!(sight.moves.is_empty(), "{:?}", sight.moves);
    ensure!(
        sight.outage_ms().is_some_and(|ms| ms < 100.0),
        "the client waited {:?}",
        sight.outage
    );
    scene.reason_of(1, "master").map(drop)
}
