//! A member that is no elector comes and goes.

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use heartbeat_user::sys::clock::boot_ns;

use super::{HOOKS, counted, edit, refuses, reloads};
use crate::scene::{Scene, scenario_with};

/// The file without the last one of its members.
fn without(text: &str, slot: u16) -> String {
    let table = format!("\n[[member]]\nslot = {slot}\n");
    let (before, rest) = text.split_once(&table).unwrap_or((text, ""));
    match rest.find("\n[[") {
        Some(next) => format!("{before}{}", &rest[next..]),
        None => before.to_owned(),
    }
}

/// Slots of the members that a node knows.
fn members(scene: &Scene, slot: u16) -> Result<Vec<u64>> {
    let view = scene.cluster.view();
    let members = view.of(slot).context("it answers")?["members"].clone();
    let all = members.as_array().context("a list")?;
    Ok(all.iter().filter_map(|it| it["slot"].as_u64()).collect())
}

#[test]
fn a_member_that_is_no_elector_comes_and_goes_and_nothing_moves() {
    let settings = Settings {
        plan: Plan {
            nodes: 4,
            ..Plan::DEFAULT
        },
        more: Some(HOOKS),
        ..Settings::default()
    };
    scenario_with("reload_members", settings, |scene| {
        for slot in 1..=4 {
            super::program(scene, slot, "slow", super::QUICK)?;
            edit(scene, slot, |text| {
                text.replacen("\nmode =", "\nelectors = [1, 2, 3]\nmode =", 1)
            })?;
        }
        let whole = std::fs::read_to_string(super::file(scene, 4, "heartbeatd.toml"))?;
        for slot in 1..=3 {
            edit(scene, slot, |text| without(text, 4))?;
        }
        // The fourth runs all the while, and nobody else knows it.
        scene.cluster.start_all()?;
        // Nobody is whole before all know all: they agree, and that is enough.
        let agree = "all agree on a master";
        let master = (scene.cluster).wait_for(agree, PATIENCE, View::agreed)?;
        scene
            .cluster
            .wait_for("all know their own", PATIENCE, |_| {
                let known = |slot| members(scene, slot).is_ok_and(|known| known == [1, 2, 3]);
                (1..=3).all(known).then_some(())
            })?;
        let (from_ns, epoch) = (boot_ns(), scene.cluster.view().epoch());
        for slot in [2, 3, 1] {
            let folder = scene.cluster.daemon(slot).folder().display().to_string();
            let of_4 = scene.cluster.daemon(4).folder().display().to_string();
            edit(scene, slot, |_| whole.replace(&of_4, &folder))?;
            reloads(scene, slot)?;
        }
        ensure!(scene.cluster.settle()? == master);
        ensure!(members(scene, 4)? == [1, 2, 3, 4] && members(scene, 1)? == [1, 2, 3, 4]);
        scene.diagnosed(master, 4, "healthy")?;
        scene.quiet()?;
        // Who elects is not taken out by a reload.
        edit(scene, 2, |text| {
            without(&text.replace("[1, 2, 3]", "[1, 2, 4]"), 3)
        })?;
        let why = refuses(scene, 2)?;
        ensure!(why.contains("slot 3 (n3): slot (gone: member)"), "{why}");
        for slot in [1, 2, 3] {
            let folder = scene.cluster.daemon(slot).folder().display().to_string();
            let of_4 = scene.cluster.daemon(4).folder().display().to_string();
            edit(scene, slot, |_| without(&whole.replace(&of_4, &folder), 4))?;
            reloads(scene, slot)?;
        }
        scene
            .cluster
            .wait_for("nobody knows it any more", PATIENCE, |_| {
                (1..=3)
                    .all(|slot| members(scene, slot).is_ok_and(|known| known == [1, 2, 3]))
                    .then_some(())
            })?;
        ensure!(counted(scene, 1)? == (2, 0) && counted(scene, 2)? == (2, 1));
        ensure!(scene.alarms(master)?.is_empty());
        let view = scene.cluster.view();
        ensure!((view.agreed(), view.epoch()) == (Some(master), epoch));
        let moves = scene.moves(from_ns)?;
        ensure!(
            moves.is_empty() && scene.answers_of(master, from_ns)? > 20,
            "{moves:?}"
        );
        Ok(())
    });
}
