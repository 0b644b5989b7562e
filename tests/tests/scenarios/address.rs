//! Somebody else deletes the address on the master.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::ensure;
use heartbeat_tests::lab::addresses::{Network, VIRTUAL_ADDRESS};
use heartbeat_tests::lab::command::run;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::scenario;

#[test]
fn an_address_deleted_behind_the_masters_back_is_added_again_and_nobody_else_serves() {
    scenario("address", |scene| {
        let fault_ns = boot_ns();
        let node = scene.cluster.lab().topology().node(1).name().to_owned();
        let (address, interface) = (
            format!("{VIRTUAL_ADDRESS}/32"),
            Network::Business.interface(),
        );
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
    });
}
