//! A pair of HDFS's NameNodes by the product's profile, with a stand-in for HDFS: never two of them are active.

use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::hdfs::journal::overlaps;
use heartbeat_tests::hdfs::namenode::Trouble;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::hdfs::{Fencing, NameNodes};
use heartbeat_tests::lab::settings::{Evidence, Settings};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, scenario_with};

const ACTIVE: &str = "-transitionToActive";
const STANDBY: &str = "-transitionToStandby";
/// Whoever was ended is started again first.
const REJOINING: Duration = Duration::from_secs(20);
/// How long a fault lasts that must move nothing.
const FAULT: Duration = Duration::from_secs(3);

/// Plays with both NameNodes at work and the first one active; then asks whether two ever were at once.
fn scenario(name: &str, fencing: Fencing, play: impl Fn(&mut Scene, &NameNodes) -> Result<()>) {
    let nodes = NameNodes::lay_out(fencing).expect("the stand-in is built");
    let more = nodes.configuration().expect("the profile is there");
    let settings = Settings {
        more: Some(more.leak()),
        pair: Some(Evidence::Fence(nodes.fence_command().leak())),
        ..Settings::PAIR
    };
    scenario_with(name, settings, |scene| {
        nodes.start(scene.cluster.lab())?;
        scene.cluster.start_all()?;
        let first = served(scene, &nodes)?;
        if first != 1 {
            switch(scene, &nodes, first, 1)?;
        }
        play(scene, &nodes)?;
        let (one, other) = (nodes.reigns(1)?, nodes.reigns(2)?);
        let both = overlaps(&one, &other);
        ensure!(both.is_empty(), "both were active: {both:?}");
        println!("active {} and {} times", one.len(), other.len());
        Ok(())
    });
}

/// Waits until all is well and the NameNode of the master alone is active; the master's slot.
fn served(scene: &Scene, nodes: &NameNodes) -> Result<u16> {
    let state = |slot| nodes.admin(scene.cluster.lab(), slot, "-getServiceState");
    scene
        .cluster
        .wait_for("the master's NameNode alone is active", REJOINING, |view| {
            let master = view
                .settled()
                .filter(|master| view.holders() == [*master])?;
            let is = |slot, wanted: &str| state(slot).is_ok_and(|state| state == wanted);
            // Until its checks have seen it work in its new role, a fault of it is excused.
            let services = view.of(master)?["services"].as_array()?;
            let is_seen = services.iter().all(|it| it["state"] == "healthy");
            (is_seen && is(master, "active") && is(3 - master, "standby")).then_some(master)
        })
}

fn switch(scene: &Scene, nodes: &NameNodes, from: u16, to: u16) -> Result<()> {
    // A NameNode that was ended is being brought back.
    let what = format!("slot {to} is electable");
    scene.cluster.wait_for(&what, PATIENCE, |view| {
        (view.of(to)?["electable"] == true).then_some(())
    })?;
    scene.cluster.switchover(from, Some(to))?;
    scene.next_master(from)?;
    let master = served(scene, nodes)?;
    ensure!(master == to, "slot {master} serves");
    Ok(())
}

#[test]
fn a_switch_and_a_namenode_in_the_wrong_state_move_the_active_one() {
    scenario("hdfs_switch", Fencing::Ssh, |scene, nodes| {
        switch(scene, nodes, 1, 2)?;
        // Somebody else makes it a standby: it answers as before, and is not what the master's has to be.
        nodes.admin(scene.cluster.lab(), 2, STANDBY)?;
        ensure!(scene.next_master(2)? == 1);
        scene.steps_down(2, "a service of this node failed")?;
        ensure!(served(scene, nodes)? == 1);
        ensure!(nodes.reigns(1)?.len() == 2 && nodes.reigns(2)?.len() == 1);
        Ok(())
    });
}

#[test]
fn a_transition_that_fails_hands_mastership_back() {
    scenario("hdfs_transition_fails", Fencing::Ssh, |scene, nodes| {
        nodes.disturb(2, Trouble::Fails, ACTIVE, true)?;
        scene.cluster.switchover(1, Some(2))?;
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        ensure!(served(scene, nodes)? == 1);
        ensure!(nodes.reigns(2)?.is_empty(), "it was refused");
        nodes.disturb(2, Trouble::Fails, ACTIVE, false)?;
        scene
            .cluster
            .wait_for("slot 2 may stand", PATIENCE, |view| {
                (view.of(2)?["electable"] == true).then_some(())
            })?;
        switch(scene, nodes, 1, 2)
    });
}

#[test]
fn a_transition_that_hangs_is_ended_and_cannot_come_true_later() {
    scenario("hdfs_transition_hangs", Fencing::Ssh, |scene, nodes| {
        let before = nodes.process(2)?;
        nodes.disturb(2, Trouble::Hangs, ACTIVE, true)?;
        scene.cluster.switchover(1, Some(2))?;
        scene.steps_down(2, "on_promote of this node did not succeed")?;
        ensure!(served(scene, nodes)? == 1);
        ensure!(nodes.process(2)? != before, "it still waits to be active");
        nodes.disturb(2, Trouble::Hangs, ACTIVE, false)?;
        scene.cluster.hold("slot 2 is active", FAULT / 3, |_| {
            nodes.reigns(2).ok().filter(|reigns| !reigns.is_empty())
        })?;
        ensure!(served(scene, nodes)? == 1);
        Ok(())
    });
}

#[test]
fn a_namenode_that_does_not_become_standby_is_fenced_before_the_other_is_active() {
    scenario("hdfs_demotion_hangs", Fencing::Ssh, |scene, nodes| {
        let before = nodes.process(1)?;
        nodes.disturb(1, Trouble::Hangs, STANDBY, true)?;
        switch(scene, nodes, 1, 2)?;
        ensure!(nodes.process(1)? != before, "it was not ended");
        ensure!(scene.told(2, "did not become standby; fencing it") == 1);
        nodes.disturb(1, Trouble::Hangs, STANDBY, false)?;
        switch(scene, nodes, 2, 1)
    });
}

#[test]
fn while_a_dead_node_cannot_be_fenced_the_other_namenode_stays_standby() {
    scenario("hdfs_fence_fails", Fencing::Ssh, |scene, nodes| {
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        scene
            .cluster
            .wait_for("the alarm is raised", PATIENCE, |_| {
                let alarms = scene.alarms(2).ok()?;
                alarms.contains(&"fence_failed".to_owned()).then_some(())
            })?;
        scene.cluster.hold("slot 2 is master", FAULT, |view| {
            (view.role(2) == Some("master")).then_some(())
        })?;
        ensure!(nodes.reigns(2)?.is_empty(), "nobody fenced the other one");
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        served(scene, nodes)?;
        scene.quiet()
    });
}

#[test]
fn a_dead_node_that_can_be_fenced_is_followed() {
    scenario("hdfs_node_death", Fencing::Power, |scene, nodes| {
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 1, Death::Silent)?;
        ensure!(scene.next_master(1)? == 2);
        scene
            .cluster
            .wait_for("the other NameNode is active", PATIENCE, |view| {
                let is_active = nodes.reigns(2).is_ok_and(|reigns| reigns.len() == 1);
                (is_active && view.holders().contains(&2)).then_some(())
            })?;
        let took = Duration::from_nanos(nodes.reigns(2)?[0].0 - fault_ns);
        println!(
            "active {took:?} after the node's death, 1 s of it for a peer that does not answer"
        );
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        ensure!(served(scene, nodes)? == 2, "it went back by itself");
        Ok(())
    });
}
