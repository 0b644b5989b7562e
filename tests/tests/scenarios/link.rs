//! The master loses the management network only: clients still reach it, and it must not answer.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::port::Direction;
use heartbeat_tests::lab::topology::Topology;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario};

#[test]
fn a_master_whose_management_link_is_down_gives_way() {
    scenario("link_down", |scene| {
        gives_way(scene, |topology| {
            wire::unplug(topology, 1, Network::Management)
        })
    });
}

#[test]
fn a_master_that_is_not_heard_gives_way() {
    scenario("link_not_heard", |scene| {
        gives_way(scene, |topology| {
            wire::cut_one_way(topology, 1, Network::Management, Direction::FromNode)
        })
    });
}

#[test]
fn a_master_that_does_not_hear_gives_way() {
    scenario("link_does_not_hear", |scene| {
        gives_way(scene, |topology| {
            wire::cut_one_way(topology, 1, Network::Management, Direction::ToNode)
        })
    });
}

fn gives_way(scene: &mut Scene, cut: impl FnOnce(&Topology) -> Result<()>) -> Result<()> {
    let fault_ns = boot_ns();
    cut(scene.cluster.lab().topology())?;
    let shut_ns = scene.shut_from_ns()?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(300));
    scene.expect(2, "master", "majority of electors voted")?;
    ensure!(
        scene.answers_of(1, shut_ns)? == 0,
        "slot 1 answered after its lease"
    );
    wire::heal(scene.cluster.lab().topology(), 1, Network::Management)?;
    ensure!(scene.cluster.settle()? == 2);
    sleep(Duration::from_millis(200));
    // A master that is heard but does not hear goes on probing until its lease ends, so the grants
    // end a lease later.
    let at_most = scene.cluster.settings().lease() * 3;
    moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)
}
