//! An address that belongs to a slot: it stays where the slot is, whoever is master.

use std::thread::sleep;

use anyhow::{Result, ensure};
use heartbeat_tests::lab::addresses::{Network, VIRTUAL_ADDRESS};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::command::run;
use heartbeat_tests::lab::settings::{Settings, slot_address};
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario_with};

#[test]
fn each_slots_address_is_answered_there_whoever_is_master_and_without_its_daemon() {
    let settings = Settings {
        slot_addresses: true,
        ..Settings::default()
    };
    scenario_with("slot_address", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        each_at_home(scene)?;
        // While an elector saves the first set it may not become master.
        let saved = |slot| scene.told(slot, "electors' sets saved") > 0;
        scene
            .cluster
            .wait_for("every elector saved the first set", PATIENCE, |_| {
                [1, 2, 3].into_iter().all(saved).then_some(())
            })?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        ensure!(at(scene, VIRTUAL_ADDRESS)? == 2, "the master's moves");
        each_at_home(scene)?;
        scene.cluster.daemon_mut(3).end(Signal::SIGKILL)?;
        sleep(scene.cluster.settings().lease() * 2);
        each_at_home(scene)?;
        scene.cluster.start_one(3)?;
        ensure!(scene.cluster.settle()? == 2);
        each_at_home(scene)?;
        deleted_it_comes_back(scene)?;
        scene.cluster.daemon_mut(3).end(Signal::SIGTERM)?;
        ensure!(
            at(scene, slot_address(3)).is_err(),
            "an orderly stop takes it off"
        );
        each_of(scene, &[1, 2])
    });
}

fn each_at_home(scene: &Scene) -> Result<()> {
    each_of(scene, &[1, 2, 3])
}

fn each_of(scene: &Scene, slots: &[u16]) -> Result<()> {
    for slot in slots {
        let answers = at(scene, slot_address(*slot))?;
        ensure!(
            answers == *slot,
            "slot {answers} answers for the address of slot {slot}"
        );
    }
    Ok(())
}

fn at(scene: &Scene, address: std::net::Ipv4Addr) -> Result<u16> {
    scene.who_answers(scene.cluster.lab().topology().client(), address.into())
}

fn deleted_it_comes_back(scene: &Scene) -> Result<()> {
    let node = scene.cluster.lab().topology().node(1).name().to_owned();
    let address = format!("{}/32", slot_address(1));
    let interface = Network::Business.interface();
    run(
        "ip",
        &["-netns", &node, "addr", "del", &address, "dev", interface],
    )?;
    let held = |view: &heartbeat_tests::lab::view::View| {
        let addresses = view.of(1)?.get("virtual_addresses")?.as_array()?.clone();
        let own = addresses.iter().find(|entry| entry["follows_slot"] == 1)?;
        (own["held"] == true && own["gate_open"] == true).then_some(())
    };
    scene
        .cluster
        .wait_for("the address is there again", PATIENCE, held)
}
