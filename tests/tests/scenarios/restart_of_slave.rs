//! A slave's daemon restarts, and its kernel answers for it meanwhile: the master's lease rests on it.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{Scene, scenario, scenario_with};

/// Without its daemon: longer than the snooping bridge keeps a port that nobody vouches for (2.5 s).
const WITHOUT: Duration = Duration::from_secs(5);

#[test]
fn the_kernel_of_a_slave_without_daemon_carries_the_masters_lease() {
    scenario("restart_of_slave", carries);
}

#[test]
fn it_does_so_also_behind_a_bridge_that_forwards_to_members_of_the_group_only() {
    let settings = Settings {
        plan: Plan {
            snooping: true,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_with("restart_of_slave_snooping", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        carries(scene)
    });
}

pub(crate) fn carries(scene: &mut Scene) -> Result<()> {
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let fault_ns = boot_ns();
    scene.cluster.daemon_mut(2).end(Signal::SIGKILL)?;
    // With slot 3 gone the majority is the master and the kernel of slot 2.
    wire::kill_node(scene.cluster.lab().topology(), 3, Death::Silent)?;
    scene.diagnosed(1, 2, "daemon_stalled")?;
    scene.cluster.hold("the master gave up", WITHOUT, |view| {
        view.masters().is_empty().then_some(())
    })?;
    let view = scene.cluster.view();
    let answering = view
        .member(1, 2)
        .and_then(|member| member.get("answering"))
        .cloned();
    ensure!(
        answering == Some("healthy".into()),
        "slot 2 is {answering:?} on the network"
    );
    scene.cluster.start_one(2)?;
    wire::heal_node(scene.cluster.lab().topology(), 3)?;
    ensure!(scene.cluster.settle()? == 1);
    scene.expect(2, "slave", "slot 1 probes as master")?;
    sleep(Duration::from_millis(300));
    ensure!(
        scene.cluster.view().epoch() == Some(epoch),
        "the mastership is still the same"
    );
    ensure!(scene.moves(fault_ns)?.is_empty());
    Ok(())
}
