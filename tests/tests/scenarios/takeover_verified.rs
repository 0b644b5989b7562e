//! Another member looks who answers for the address of a slot, when the master has taken it over and when it is given
//! back.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::{Network, mac_text};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::port::Direction;
use heartbeat_user::net::announce::Form;
use serde_json::json;

use crate::scene::Scene;
use crate::takeover::{OWNER, at_home, scenario, taken_over};
use crate::verified::{alarms, verified};

/// Announcements that a takeover makes in its first minute while nobody misses them: four, each in both forms.
const ONE_SCHEDULE: u64 = 8;

#[test]
fn who_bears_a_slots_address_from_now_on_is_seen_to_answer_by_a_third_member() {
    scenario("takeover_verified", |scene| {
        seen_by(scene, OWNER, 2)?;
        wire::kill_node(scene.cluster.lab().topology(), OWNER, Death::Loud)?;
        taken_over(scene, 1)?;
        seen_by(scene, 1, 2)?;
        wire::heal_node(scene.cluster.lab().topology(), OWNER)?;
        at_home(scene)?;
        seen_by(scene, OWNER, 2)?;
        scene
            .cluster
            .wait_for("who gave it back looks no more", PATIENCE, |view| {
                verified(view, 1).is_none().then_some(())
            })?;
        let explained = scene
            .cluster
            .daemon(OWNER)
            .contact()
            .control(&["explain"])?;
        let text = String::from_utf8_lossy(&explained.stdout).into_owned();
        ensure!(
            text.contains("Slot 2 (n2) saw it answered by this node"),
            "{text}"
        );
        Ok(())
    });
}

#[test]
fn a_taken_over_address_that_nobody_sees_answered_is_announced_again_and_then_an_alarm() {
    scenario("takeover_slot_unverified", |scene| {
        let topology = scene.cluster.lab().topology();
        // Who looks hears no answer, and what is announced is counted and kept from everybody.
        wire::cut_one_way(topology, 2, Network::Business, Direction::ToNode)?;
        topology
            .port(1, Network::Business)
            .announcements_unheard(&Form::BOTH)?;
        wire::kill_node(topology, OWNER, Death::Loud)?;
        taken_over(scene, 1)?;
        let named = |(name, _): &(String, String)| name == "takeover_unverified";
        let text = scene
            .cluster
            .wait_for("the takeover stays unverified", PATIENCE, |view| {
                alarms(view, 1).into_iter().find(named)
            })?
            .1;
        ensure!(text.contains("answered by nobody"), "{text}");
        sleep(Duration::from_millis(1_300));
        let topology = scene.cluster.lab().topology();
        let port = topology.port(1, Network::Business);
        let announced = port.unheard()?;
        println!("{announced} announcements of an address that nobody saw answered");
        ensure!(
            announced > ONE_SCHEDULE,
            "{announced} announcements: it was not announced again"
        );
        port.announcements_unheard(&[])?;
        wire::heal(topology, 2, Network::Business)?;
        scene
            .cluster
            .wait_for("the alarm is cleared", PATIENCE, |view| {
                (!alarms(view, 1).iter().any(named)).then_some(())
            })?;
        seen_by(scene, 1, 2)?;
        wire::heal_node(scene.cluster.lab().topology(), OWNER)?;
        at_home(scene)
    });
}

/// Waits until the member in `by` saw the node in `bearer`, and nobody else, answer for the address.
fn seen_by(scene: &Scene, bearer: u16, by: u16) -> Result<()> {
    let what = format!("slot {by} saw slot {bearer} answer");
    let found = scene.cluster.wait_for(&what, PATIENCE, |view| {
        verified(view, bearer).filter(|it| it["ours"] == true)
    })?;
    ensure!(found["by_slot"] == by, "{found}");
    let mac = mac_text(Network::Business.mac(u8::try_from(bearer)?));
    ensure!(found["answered_by"] == json!([mac]), "{found}");
    Ok(())
}
