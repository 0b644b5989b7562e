//! Neighbours that ignore one form of announcement follow by the other.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_user::net::announce::Form;
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario};

/// The last announcement of a takeover goes out a second after it; this is more.
const SCHEDULE: Duration = Duration::from_millis(1_300);

fn nobody_hears(scene: &Scene, forms: &[Form]) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    let mut ports = topology
        .slots()
        .map(|slot| topology.port(slot, Network::Business));
    ports.try_for_each(|port| port.announcements_unheard(forms))
}

/// Moves the address while nobody hears these forms; the node that has it then announced in them.
fn moved_while_unheard(scene: &mut Scene, forms: &[Form]) -> Result<()> {
    nobody_hears(scene, forms)?;
    scene.cluster.switchover(1, Some(2))?;
    ensure!(scene.next_master(1)? == 2);
    sleep(SCHEDULE);
    let topology = scene.cluster.lab().topology();
    let unheard = topology.port(2, Network::Business).unheard()?;
    ensure!(unheard >= 4, "only {unheard} announcements were kept away");
    Ok(())
}

#[test]
fn a_neighbour_that_ignores_the_request_form_follows_by_the_reply_form() {
    scenario("announced_reply", |scene| {
        let fault_ns = boot_ns();
        moved_while_unheard(scene, &[Form::Request])?;
        let lease = scene.cluster.settings().lease();
        moved_once(&scene.sight(fault_ns)?, 1, 2, lease)
    });
}

#[test]
fn a_neighbour_that_ignores_the_reply_form_follows_by_the_request_form() {
    scenario("announced_request", |scene| {
        let fault_ns = boot_ns();
        moved_while_unheard(scene, &[Form::Reply])?;
        let lease = scene.cluster.settings().lease();
        moved_once(&scene.sight(fault_ns)?, 1, 2, lease)
    });
}

#[test]
fn a_neighbour_that_hears_neither_form_does_not_follow_within_the_schedule() {
    scenario("announced_not", |scene| {
        let fault_ns = boot_ns();
        moved_while_unheard(scene, &Form::BOTH)?;
        ensure!(
            scene.moves(fault_ns)?.is_empty(),
            "the client follows without any announcement: the other two scenarios show nothing"
        );
        Ok(())
    });
}
