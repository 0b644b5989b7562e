//! systemd-networkd manages the interface that the virtual address is on.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use heartbeat_tests::lab::addresses::{Network, PREFIX};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::networkd::{NEEDS, Networkd};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip;

use crate::scene::scenario_with;

const INTERFACE: &str = "biz0";
/// What the packages bring for networkd.
const DROP_IN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../packaging/networkd/heartbeatd.conf"
);
/// The daemon's line about an address that it had to add again.
const ADDED: &str = "a virtual address was missing and was added again";

#[test]
fn what_networkd_takes_off_is_put_back_and_with_the_drop_in_nothing_is_taken_off() {
    if skip::lacks("networkd", &NEEDS) {
        return;
    }
    scenario_with("networkd", Settings::default(), |scene| {
        let own = format!("{}/{PREFIX}", Network::Business.address(1));
        let node = scene.cluster.lab().topology().node(1);
        let delete = ["addr", "del", &own, "dev", INTERFACE];
        run("ip", &[&["-netns", node.name()], &delete[..]].concat())?;
        let network = format!(
            "[Match]\nName={INTERFACE}\n[Network]\nAddress={own}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
        );
        let networkd = Networkd::start(node, INTERFACE, &network)?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let calm = scene.calm()?;

        networkd.reconfigure()?;
        scene
            .cluster
            .wait_for("the address is added again", PATIENCE, |_| {
                (scene.told(1, ADDED) > 0).then_some(())
            })?;
        ensure!(scene.has_address(1)?, "it is there again");

        networkd.drop_in(Path::new(DROP_IN))?;
        let before = scene.told(1, ADDED);
        for _ in 0..2 {
            networkd.reconfigure()?;
            sleep(Duration::from_millis(300));
            ensure!(scene.told(1, ADDED) == before, "it was taken off again");
            ensure!(scene.has_address(1)?, "it is there");
        }
        scene.stayed(&calm)
    });
}
