//! A failover while somebody sends forged and recorded heartbeats as fast as he can.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::flood::{self, Flood};
use heartbeat_tests::fault::replay;
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::counters;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, moved_once, scenario};

/// A flood takes one of two processors here, and every frame of it costs each node some more: the
/// failover may take longer, but must come.
const AT_MOST: Duration = Duration::from_millis(500);

#[test]
fn a_flood_of_forged_frames_moves_nothing_and_does_not_stop_a_failover() {
    scenario("forged", forged);
}

pub(crate) fn forged(scene: &mut Scene) -> Result<()> {
    let flood = flood::start(scene.cluster.lab(), Flood::Forged)?;
    disturbs_nothing(scene)?;
    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(300));
    let sent = flood::finish(flood)?;
    ensure!(sent > 10_000, "only {sent} forgeries were sent");
    let caught = counters::responder(scene.cluster.daemon(2).pins(), Verdict::Unauthentic)?;
    ensure!(
        caught > sent / 2,
        "{caught} of {sent} forgeries were counted as unauthentic"
    );
    scene.expect(2, "master", "majority of electors voted")?;
    moved_once(&scene.sight(fault_ns)?, 1, 2, AT_MOST)
}

#[test]
fn recorded_frames_sent_again_move_nothing_and_do_not_stop_a_failover() {
    scenario("replayed", replayed);
}

pub(crate) fn replayed(scene: &mut Scene) -> Result<()> {
    let replay = replay::start(scene.cluster.lab(), 2, Duration::from_millis(500))?;
    disturbs_nothing(scene)?;
    let fault_ns = boot_ns();
    wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
    ensure!(scene.next_master(1)? == 2);
    sleep(Duration::from_millis(300));
    let sent = flood::finish(replay)?;
    ensure!(sent > 10_000, "only {sent} recorded frames were sent");
    let pins = scene.cluster.daemon(2).pins();
    let caught = counters::responder(pins, Verdict::Replayed)?
        + counters::responder(pins, Verdict::Refused)?
        + counters::responder(pins, Verdict::RefusalLimited)?;
    ensure!(
        caught > sent / 2,
        "{caught} of {sent} recorded frames were counted as such"
    );
    scene.expect(2, "master", "majority of electors voted")?;
    moved_once(&scene.sight(fault_ns)?, 1, 2, AT_MOST)
}

fn disturbs_nothing(scene: &mut Scene) -> Result<()> {
    let from_ns = boot_ns();
    scene
        .cluster
        .hold("the master changed", Duration::from_secs(1), |view| {
            (view.masters() != [1]).then(|| view.masters())
        })?;
    ensure!(scene.moves(from_ns)?.is_empty());
    Ok(())
}
