//! A slave that was cut off alone and comes back ends no mastership.

use std::time::Duration;

use anyhow::{Context, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::scenario;

/// How long it is alone: long enough for hundreds of candidacies, were it to stand.
const ALONE: Duration = Duration::from_secs(15);

#[test]
fn a_slave_cut_off_alone_comes_back_without_a_failover() {
    scenario("cut_off", |scene| {
        let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 3, Death::Silent)?;
        scene.diagnosed(1, 3, "down")?;
        scene
            .cluster
            .hold("somebody else is master", ALONE, |view| {
                view.masters().into_iter().find(|slot| *slot != 1)
            })?;
        wire::heal_node(scene.cluster.lab().topology(), 3)?;
        ensure!(scene.cluster.settle()? == 1);
        std::thread::sleep(Duration::from_millis(500));
        let after = scene.cluster.view().epoch();
        ensure!(after == Some(epoch), "epoch {epoch:?} became {after:?}");
        scene.expect(3, "slave", "slot 1 probes as master")?;
        let sight = scene.sight(fault_ns)?;
        ensure!(sight.moves.is_empty(), "{:?}", sight.moves);
        let longest =
            Duration::from_nanos(sight.outage.context("the client was answered")?.length_ns());
        ensure!(
            longest < scene.cluster.settings().lease(),
            "the client once waited {longest:?}"
        );
        Ok(())
    });
}
