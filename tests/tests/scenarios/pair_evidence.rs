//! Two nodes that are parted: who reaches the reference serves, and if both do, one of them remains.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::{filter, reference, wire};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::sys::clock::boot_ns;

use crate::hooks::{notes, ran, with_hooks};
use crate::pair::{guaranteed, has_been};
use crate::scene::{Scene, scenario_in};

/// How long two nodes stay parted: many leases.
const PARTED: Duration = Duration::from_secs(2);

/// Parts the two while the node in `lost` does not reach the reference, and joins them again: from when on it may
/// not answer, and who is master in the end.
fn part_without_reference(scene: &Scene, lost: u16) -> Result<(u64, u16)> {
    let other = 3 - lost;
    let topology = scene.cluster.lab().topology();
    let address = scene.cluster.settings().reference();
    filter::drop_echo(topology.node(lost), address)?;
    sleep(Duration::from_millis(200));
    wire::part(topology, true)?;
    let shut_ns = scene.shut_from_ns()?;
    guaranteed(scene, other, "evidence")?;
    sleep(PARTED);
    scene.reason_of(other, "master")?;
    wire::part(topology, false)?;
    filter::pass(topology.node(lost))?;
    Ok((shut_ns, scene.cluster.settle()?))
}

#[test]
fn parted_from_its_slave_a_master_without_reference_is_followed() {
    if lacks("pair_master_loses_reference", &[Need::Nft]) {
        return;
    }
    scenario_in("pair_master_loses_reference", Settings::PAIR, |scene| {
        let (shut_ns, master) = part_without_reference(scene, 1)?;
        ensure!(master == 2, "slot {master}");
        scene.steps_down(1, "")?;
        scene.expect(2, "master", "slot 1 is silent")?;
        guaranteed(scene, 2, "quorum")?;
        ensure!(scene.answers_of(1, shut_ns)? == 0, "slot 1 answered on");
        ensure!(scene.answers_of(2, shut_ns)? > 20);
        Ok(())
    });
}

#[test]
fn parted_from_its_master_a_slave_without_reference_takes_nothing() {
    if lacks("pair_slave_loses_reference", &[Need::Nft]) {
        return;
    }
    scenario_in("pair_slave_loses_reference", Settings::PAIR, |scene| {
        let calm = scene.calm()?;
        let (shut_ns, master) = part_without_reference(scene, 2)?;
        ensure!(master == 1, "slot {master}");
        ensure!(scene.answers_of(2, shut_ns)? == 0);
        ensure!(
            !has_been(scene, 2, "master")?,
            "cut off, it took mastership"
        );
        scene.stayed(&calm)?;
        guaranteed(scene, 1, "quorum")
    });
}

#[test]
fn parted_without_a_reference_on_either_side_nobody_serves() {
    scenario_in("pair_parted_without_reference", Settings::PAIR, |scene| {
        let topology = scene.cluster.lab().topology();
        reference::answers(topology, false)?;
        wire::part(topology, true)?;
        let shut_ns = scene.shut_from_ns()?;
        scene.steps_down(1, "")?;
        scene.cluster.hold("somebody is master", PARTED, |view| {
            view.masters().first().copied()
        })?;
        ensure!(scene.answers_of(1, shut_ns)? + scene.answers_of(2, shut_ns)? == 0);
        wire::part(scene.cluster.lab().topology(), false)?;
        ensure!(scene.cluster.settle()? == 1, "who was master last");
        ensure!(has_been(scene, 1, "battle_master")? || has_been(scene, 2, "battle_master")?);
        reference::answers(scene.cluster.lab().topology(), true)
    });
}

/// The token that a node's hook was given last.
fn newest(scene: &Scene, slot: u16, hook: &str) -> Option<u64> {
    let token = |note: &String| {
        let mut words = note.split(' ');
        (words.next() == Some(hook)).then(|| words.next()?.parse().ok())?
    };
    notes(scene, slot).iter().rev().find_map(token)
}

/// What a pair without a fence command cannot exclude, as the docs say; and that it ends.
#[test]
fn parted_with_a_reference_on_both_sides_two_serve_and_one_of_them_remains() {
    with_hooks("pair_parted", Settings::PAIR, |scene| {
        let first = ran(scene, 1, "on_promote")?;
        wire::part(scene.cluster.lab().topology(), true)?;
        scene
            .cluster
            .wait_for("both are master", PATIENCE, |view| {
                (view.masters() == [1, 2]).then_some(())
            })?;
        guaranteed(scene, 1, "evidence")?;
        guaranteed(scene, 2, "evidence")?;
        let second = ran(scene, 2, "on_promote")?;
        ensure!(second > first, "{second} after {first}");
        let healed_ns = boot_ns();
        wire::part(scene.cluster.lab().topology(), false)?;
        // Two detection times, and what a busy machine adds to them.
        let two_until = scene.cluster.settings().lease() * 2 + Duration::from_millis(100);
        scene.two_may_answer_until(healed_ns + u64::try_from(two_until.as_nanos())?);
        scene.cluster.settle()?;
        let left = scene.cluster.view().masters();
        ensure!(left.len() == 1, "{left:?}");
        guaranteed(scene, left[0], "quorum")?;
        let loser = 3 - left[0];
        scene.steps_down(loser, "")?;
        let demoted = ran(scene, loser, "on_demote")?;
        let promoted = newest(scene, loser, "on_promote");
        ensure!(
            promoted == Some(demoted),
            "{promoted:?}, and then {demoted}"
        );
        ensure!(
            newest(scene, left[0], "on_promote") > newest(scene, left[0], "on_demote"),
            "who remains was demoted: {:?}",
            notes(scene, left[0])
        );
        sleep(Duration::from_secs(1));
        Ok(())
    });
}
