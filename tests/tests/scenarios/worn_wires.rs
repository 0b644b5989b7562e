//! Wires that lose, double and delay.

use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::{delay, wire};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::counters;
use heartbeat_tests::lab::port::{DIRECTIONS, Wear};
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, scenario};

/// How long the wires stay worn: two hundred probes.
const WORN: Duration = Duration::from_secs(2);
const SLAVES: RangeInclusive<u16> = 2..=3;
const ALL: RangeInclusive<u16> = 1..=3;

/// One lease (its guard taken off) outlasts three probes in a row that nobody answers. With a twentieth
/// lost each way that happens once in a million probes; with a tenth it would once in a hundred runs.
#[test]
fn a_twentieth_of_all_heartbeats_lost_to_and_from_every_slave_costs_no_failover() {
    scenario("worn_lossy", |scene| {
        undisturbed(scene, |scene| {
            wires(
                scene,
                SLAVES,
                Wear {
                    lost: 50,
                    doubled: 0,
                },
            )?;
            sleep(WORN);
            let lost = lost(scene, SLAVES)?;
            // Two hundred each way on two wires, a twentieth of them: 40 expected, and 6 the deviation.
            ensure!(lost > 10, "only {lost} frames were lost");
            wires(scene, SLAVES, Wear::default())
        })
    });
}

#[test]
fn doubled_heartbeats_are_counted_as_replayed_and_grant_nothing_twice() {
    scenario("worn_doubling", |scene| {
        undisturbed(scene, |scene| {
            let pins = scene.cluster.daemon(2).pins().to_owned();
            let before = counters::responder(&pins, Verdict::Replayed)?;
            wires(
                scene,
                ALL,
                Wear {
                    lost: 0,
                    doubled: 1_000,
                },
            )?;
            sleep(WORN);
            wires(scene, ALL, Wear::default())?;
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
            ensure!(
                rtt_us.is_some_and(|us| us >= 6_000),
                "the round trip over a wire with 3 ms each way is shown as {rtt_us:?} us"
            );
            Ok(())
        })
    });
}

fn wires(scene: &Scene, slots: RangeInclusive<u16>, wear: Wear) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    slots
        .into_iter()
        .try_for_each(|slot| wire::wear(topology, slot, Network::Management, wear))
}

/// Frames that these slots' wires lost so far, both ways.
fn lost(scene: &Scene, slots: RangeInclusive<u16>) -> Result<u64> {
    let mut lost = 0;
    for slot in slots {
        let port = scene
            .cluster
            .lab()
            .topology()
            .port(slot, Network::Management);
        for direction in DIRECTIONS {
            lost += port.counts(direction)?.lost;
        }
    }
    Ok(lost)
}

/// Whatever `meanwhile` does, master and epoch stay.
fn undisturbed(scene: &mut Scene, meanwhile: impl FnOnce(&mut Scene) -> Result<()>) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let from_ns = boot_ns();
    meanwhile(scene)?;
    let master = scene.cluster.settle()?;
    ensure!(master == 1, "slot {master} became master");
    let after = scene.cluster.view().epoch();
    ensure!(after == Some(epoch), "epoch {epoch:?} became {after:?}");
    ensure!(scene.moves(from_ns)?.is_empty());
    Ok(())
}
