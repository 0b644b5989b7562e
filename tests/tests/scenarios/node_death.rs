//! A whole node is gone, with and without its carrier; and one after the other.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario, two_leases};

#[test]
fn a_node_that_dies_loudly_is_followed_within_its_grant() {
    scenario("node_death_loud", |scene| dies(scene, Death::Loud));
}

#[test]
fn a_node_that_dies_silently_is_followed_as_fast() {
    scenario("node_death_silent", |scene| dies(scene, Death::Silent));
}

/// A node that was dead asked for its neighbours in vain meanwhile. It must vote at once all the same
/// when it is back: with three nodes nobody is elected without it.
#[test]
fn a_node_that_came_back_votes_at_once_when_the_next_one_dies() {
    scenario("node_death_twice", |scene| {
        for (dying, follows) in [(1, 2), (2, 1), (1, 2)] {
            let fault_ns = boot_ns();
            wire::kill_node(scene.cluster.lab().topology(), dying, Death::Loud)?;
            ensure!(scene.next_master(dying)? == follows);
            // Long enough for its messages to those it cannot reach to have failed.
            scene.steps_down(dying, "no majority of electors replied")?;
            sleep(Duration::from_millis(300));
            moved_once(&scene.sight(fault_ns)?, dying, follows, two_leases(scene))?;
            wire::heal_node(scene.cluster.lab().topology(), dying)?;
            ensure!(scene.cluster.settle()? == follows);
        }
        Ok(())
    });
}

pub(crate) fn dies(scene: &mut Scene, death: Death) -> Result<()> {
    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 1, death)?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(300));
    scene.expect(2, "master", "majority of electors voted")?;
    scene.diagnosed(2, 1, "down")?;
    // Cut off, it knows by itself that it is not master any more.
    scene.steps_down(1, "no majority of electors replied")?;
    ensure!(!scene.has_address(1)?, "slot 1 removed the address");
    wire::heal_node(scene.cluster.lab().topology(), 1)?;
    ensure!(scene.cluster.settle()? == 2);
    scene.expect(1, "slave", "slot 2")?;
    sleep(Duration::from_millis(200));
    moved_once(&scene.sight(fault_ns)?, 1, 2, two_leases(scene))
}
