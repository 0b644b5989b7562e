//! Wires that lose, double and delay.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::{delay, wire};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::counters;
use heartbeat_tests::lab::port::{Direction, Wear};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, scenario};

/// How long the wires stay worn: two hundred probes.
const WORN: Duration = Duration::from_secs(2);

#[test]
fn a_tenth_of_all_heartbeats_lost_on_every_wire_costs_no_failover() {
    scenario("worn_lossy", |scene| {
        undisturbed(scene, |scene| {
            all_wires(
                scene,
                Wear {
                    lost: 100,
                    doubled: 0,
                },
            )?;
            sleep(WORN);
            let lost = scene
                .cluster
                .lab()
                .topology()
                .port(2, Network::Management)
                .counts(Direction::ToNode)?
                .lost;
            ensure!(lost > 5, "only {lost} frames were lost");
            all_wires(scene, Wear::default())
        })
    });
}

#[test]
fn doubled_heartbeats_are_counted_as_replayed_and_grant_nothing_twice() {
    scenario("worn_doubling", |scene| {
        undisturbed(scene, |scene| {
            let pins = scene.cluster.daemon(2).pins().to_owned();
            let before = counters::responder(&pins, Verdict::Replayed)?;
            all_wires(
                scene,
                Wear {
                    lost: 0,
                    doubled: 1_000,
                },
            )?;
            sleep(WORN);
            all_wires(scene, Wear::default())?;
            let replayed = counters::responder(&pins, Verdict::Replayed)? - before;
            // Doubled leaving the master and once more reaching slot 2: three copies too many of each.
            ensure!(replayed > 300, "only {replayed} copies were counted");
            Ok(())
        })
    });
}

#[test]
fn a_slave_far_away_is_a_slave_all_the_same() {
    scenario("worn_slow", |scene| {
        undisturbed(scene, |scene| {
            let _delay = delay::start(
                scene.cluster.lab(),
                3,
                Network::Management,
                Duration::from_millis(3),
            )?;
            sleep(WORN);
            let view = scene.cluster.view();
            let rtt_us = view
                .member(1, 3)
                .and_then(|member| member.get("rtt_us")?.as_u64());
            scene
                .cluster
                .check(rtt_us.is_some_and(|us| us >= 6_000), || {
                    format!(
                        "the round trip over a wire with 3 ms each way is shown as {rtt_us:?} us"
                    )
                })
        })
    });
}

fn all_wires(scene: &Scene, wear: Wear) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    (1..=3).try_for_each(|slot| wire::wear(topology, slot, Network::Management, wear))
}

/// Whatever `meanwhile` does, master and epoch stay.
fn undisturbed(scene: &mut Scene, meanwhile: impl FnOnce(&mut Scene) -> Result<()>) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let from_ns = boot_ns();
    meanwhile(scene)?;
    ensure!(scene.cluster.settle()? == 1);
    let after = scene.cluster.view().epoch();
    scene.cluster.check(after == Some(epoch), || {
        format!("epoch {epoch:?} became {after:?}")
    })?;
    ensure!(scene.moves(from_ns)?.is_empty());
    Ok(())
}
