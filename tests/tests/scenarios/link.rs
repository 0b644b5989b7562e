//! The master loses one network, or both: with one it stays, cut off from both it must not answer.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::{NETWORKS, Network};
use heartbeat_tests::lab::port::Direction;
use heartbeat_tests::lab::topology::Topology;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario};

/// What happens to one link of the master.
type Cut = fn(&Topology, Network) -> Result<()>;

const UNPLUGGED: Cut = |topology, network| wire::unplug(topology, 1, network);
const NOT_HEARD: Cut =
    |topology, network| wire::cut_one_way(topology, 1, network, Direction::FromNode);
const DOES_NOT_HEAR: Cut =
    |topology, network| wire::cut_one_way(topology, 1, network, Direction::ToNode);

#[test]
fn a_master_whose_management_link_is_down_stays_degraded() {
    scenario("link_down", |scene| stays(scene, UNPLUGGED));
}

#[test]
fn a_master_that_is_not_heard_on_the_management_network_stays_degraded() {
    scenario("link_not_heard", |scene| stays(scene, NOT_HEARD));
}

#[test]
fn a_master_that_does_not_hear_on_the_management_network_stays_degraded() {
    scenario("link_does_not_hear", |scene| stays(scene, DOES_NOT_HEAR));
}

#[test]
fn a_master_whose_links_are_both_down_gives_way() {
    scenario("links_down", |scene| gives_way(scene, UNPLUGGED));
}

#[test]
fn a_master_that_is_not_heard_on_either_network_gives_way() {
    scenario("links_not_heard", |scene| gives_way(scene, NOT_HEARD));
}

#[test]
fn a_master_that_does_not_hear_on_either_network_gives_way() {
    scenario("links_do_not_hear", |scene| gives_way(scene, DOES_NOT_HEAR));
}

fn stays(scene: &mut Scene, cut: Cut) -> Result<()> {
    let calm = scene.calm()?;
    cut(scene.cluster.lab().topology(), Network::Management)?;
    scene.degraded(true)?;
    for slot in [2, 3] {
        scene.diagnosed(1, slot, "management_fault")?;
        scene.diagnosed(5 - slot, slot, "management_fault")?;
    }
    sleep(Duration::from_millis(500));
    wire::heal(scene.cluster.lab().topology(), 1, Network::Management)?;
    scene.degraded(false)?;
    scene.stayed(&calm)
}

fn gives_way(scene: &mut Scene, cut: Cut) -> Result<()> {
    let fault_ns = boot_ns();
    for network in NETWORKS {
        cut(scene.cluster.lab().topology(), network)?;
    }
    let shut_ns = scene.shut_from_ns()?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(300));
    scene.expect(2, "master", "majority of electors voted")?;
    ensure!(
        scene.answers_of(1, shut_ns)? == 0,
        "slot 1 answered after its lease"
    );
    wire::heal_node(scene.cluster.lab().topology(), 1)?;
    ensure!(scene.cluster.settle()? == 2);
    sleep(Duration::from_millis(200));
    // A master that is heard but does not hear goes on probing until its lease ends, so the grants
    // end a lease later.
    let at_most = scene.cluster.settings().lease() * 3;
    moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)
}
