//! The master is killed while it bears the address of a slot whose node is dead: the next master takes that over anew.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_tests::lab::view::View;
use heartbeat_user::sys::clock::boot_ns;

use crate::killed::Killed;
use crate::scene::{Scene, two_leases};
use crate::takeover::{OWNER, at_home, changes, moved, scenario_like, taken_over};

/// How long a daemon may take to start on a machine that compiles meanwhile.
const STARTED: Duration = Duration::from_secs(30);
/// Answers that somebody gives in the time that a scenario looks on, at least.
const SOME: usize = 20;

/// Five, so that a majority is left when two are dead.
fn among_five(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        plan: Plan {
            nodes: 5,
            ..Plan::DEFAULT
        },
        period: Duration::from_millis(20),
        max_lease: Some(Duration::from_millis(400)),
        ..Settings::default()
    };
    scenario_like(name, settings, play);
}

#[test]
fn a_killed_masters_daemon_bears_a_dead_slots_address_no_longer_than_its_own_lease() {
    among_five("takeover_master_daemon", |scene| {
        one_after_the_other(scene, Killed::Daemon)
    });
}

#[test]
fn a_dead_master_is_followed_in_bearing_a_dead_slots_address_and_does_not_bear_it_again_when_it_is_back()
 {
    among_five("takeover_master_node", |scene| {
        one_after_the_other(scene, Killed::Node)
    });
}

/// The slot's node dies, then the master that took its address over; then they come back, the slot's node last.
fn one_after_the_other(scene: &mut Scene, killed: Killed) -> Result<()> {
    let fault_ns = boot_ns();
    Killed::Node.kill(scene, OWNER)?;
    taken_over(scene, 1)?;
    let borne_ns = boot_ns();
    let first = moved(scene, fault_ns, OWNER, 1)?;
    ensure!(
        scene.answers_of(1, borne_ns)? > SOME,
        "the witness: the first master answers"
    );
    let fault_ns = boot_ns();
    killed.kill(scene, 1)?;
    let shut_ns = scene.shut_from_ns()?;
    let second = scene.next_master(1)?;
    taken_over(scene, second)?;
    let taken_ns = boot_ns();
    let later = moved(scene, fault_ns, 1, second)?;
    stopped(scene, 1, shut_ns, second, taken_ns)?;
    bounded(scene, later)?;
    let outage = scene.sight(fault_ns)?.outage.context("it came back")?;
    println!(
        "taken over {first:?} after the slot's death and {later:?} after the master's ({killed:?}), whose outage was {:?}",
        Duration::from_nanos(outage.length_ns())
    );
    if killed == Killed::Daemon {
        ensure!(
            scene.has_address(1)?,
            "the address is still on the dead daemon's node: nobody removed it"
        );
    }
    let back_ns = boot_ns();
    killed.heal(scene, 1)?;
    follows(scene)?;
    sleep(Duration::from_millis(300));
    let moves = scene.moves(back_ns)?;
    ensure!(moves.is_empty(), "{moves:?}");
    stopped(scene, 1, back_ns, second, back_ns)?;
    comes_home(scene, second)
}

#[test]
fn a_slots_lease_that_a_dead_master_granted_ends_before_the_next_one_bears_its_address() {
    among_five("takeover_both_daemons", |scene| {
        let fault_ns = boot_ns();
        Killed::Daemon.kill(scene, OWNER)?;
        Killed::Daemon.kill(scene, 1)?;
        let shut_ns = scene.shut_from_ns()?;
        let second = scene.next_master(1)?;
        taken_over(scene, second)?;
        let taken_ns = boot_ns();
        let later = moved(scene, fault_ns, OWNER, second)?;
        ensure!(
            scene.answers_of(OWNER, shut_ns)? > SOME,
            "the witness: the slot's node answers on under the lease that the dead master granted, whose own is over"
        );
        stopped(scene, OWNER, taken_ns, second, taken_ns)?;
        bounded(scene, later)?;
        let outage = scene.sight(fault_ns)?.outage.context("it came back")?;
        println!(
            "taken over {later:?} after both daemons' death; the outage was {:?}",
            Duration::from_nanos(outage.length_ns())
        );
        Killed::Daemon.heal(scene, 1)?;
        follows(scene)?;
        let back_ns = boot_ns();
        Killed::Daemon.heal(scene, OWNER)?;
        home_from(scene, second, back_ns)
    });
}

/// Fails if the node in `slot` answered since `from_ns`, or that of the master since `since_ns` did not.
fn stopped(scene: &mut Scene, slot: u16, from_ns: u64, master: u16, since_ns: u64) -> Result<()> {
    let late = scene.answers_of(slot, from_ns)?;
    ensure!(late == 0, "slot {slot} gave {late} answers after its lease");
    ensure!(
        scene.answers_of(master, since_ns)? > SOME,
        "slot {master} does not answer"
    );
    Ok(())
}

/// The next master outwaits every lease granted before it, and no more: the old master is found dead, then a slot's
/// lease runs from the promotion, then an announcement reaches the client.
fn bounded(scene: &Scene, later: Duration) -> Result<()> {
    let least = scene.cluster.settings().slot_lease();
    let most = least + two_leases(scene) + Duration::from_millis(250);
    ensure!(
        (least..=most).contains(&later),
        "taken over {later:?} after the death, not before {least:?} and not after {most:?} were right"
    );
    Ok(())
}

/// Waits until the first master is a slave and has the address no more.
fn follows(scene: &Scene) -> Result<()> {
    scene
        .cluster
        .wait_for("the first master follows", STARTED, |view| {
            let address = &view.of(1)?["virtual_addresses"][0];
            let is_off = address["held"] == false && address["gate_open"] == false;
            (is_off && view.role(1) == Some("slave")).then_some(())
        })
}

fn comes_home(scene: &mut Scene, second: u16) -> Result<()> {
    let back_ns = boot_ns();
    Killed::Node.heal(scene, OWNER)?;
    home_from(scene, second, back_ns)
}

fn home_from(scene: &mut Scene, second: u16, back_ns: u64) -> Result<()> {
    at_home(scene)?;
    let home = moved(scene, back_ns, second, OWNER)?;
    println!("given back {home:?} after the slot's node came back");
    let settled = |view: &View| view.settled().filter(|slot| *slot == second);
    let what = "all are well and follow the second master";
    scene.cluster.wait_for(what, STARTED, settled)?;
    let changes = changes(scene, second)?;
    ensure!(changes == ["taken_over", "given_back"], "{changes:?}");
    Ok(())
}
