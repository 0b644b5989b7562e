//! An address of a slot that the master takes over while the slot's node is away, and gives back.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::wire::{self, Death};
use heartbeat_tests::lab::addresses::Network;
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::port::Direction;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::view::View;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::scene::{Scene, scenario_with};

/// Whose address it is. The cluster's watch looks at it as at a master's, so that never may two answer for it.
pub(crate) const OWNER: u16 = 3;

pub(crate) fn scenario(name: &str, play: impl Fn(&mut Scene) -> Result<()>) {
    let settings = Settings {
        // A slot's lease lasts two of these.
        max_lease: Some(Duration::from_millis(300)),
        ..Settings::default()
    };
    scenario_like(name, settings, play);
}

/// The same in a cluster like this.
pub(crate) fn scenario_like(
    name: &str,
    settings: Settings,
    play: impl Fn(&mut Scene) -> Result<()>,
) {
    let settings = Settings {
        takeover_of: Some(OWNER),
        ..settings
    };
    scenario_with(name, settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        at_home(scene)?;
        sleep(Duration::from_millis(200));
        play(scene)
    });
}

#[test]
fn a_slots_address_is_answered_by_each_master_while_its_node_is_dead_and_then_given_back() {
    scenario("takeover_death", |scene| {
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), OWNER, Death::Loud)?;
        taken_over(scene, 1)?;
        let first = moved(scene, fault_ns, OWNER, 1)?;
        // The lease was granted before the fault, and is over that long after; then an announcement reaches the client.
        let bound = scene.cluster.settings().slot_lease() + Duration::from_millis(250);
        ensure!(
            first <= bound,
            "taken over after {first:?}, at most {bound:?}"
        );
        let fault_ns = boot_ns();
        scene.cluster.switchover(1, Some(2))?;
        taken_over(scene, 2)?;
        let second = moved(scene, fault_ns, 1, 2)?;
        let least = scene.cluster.settings().slot_lease();
        ensure!(
            second >= least,
            "the next master waits for any lease granted before it, {least:?}, and waited {second:?}"
        );
        let fault_ns = boot_ns();
        wire::heal_node(scene.cluster.lab().topology(), OWNER)?;
        at_home(scene)?;
        moved(scene, fault_ns, 2, OWNER)?;
        let changes = changes(scene, 2)?;
        ensure!(changes == ["taken_over", "given_back"], "{changes:?}");
        println!("taken over {first:?} after the death, {second:?} after the switchover");
        Ok(())
    });
}

#[test]
fn the_gate_of_a_frozen_daemons_slot_shuts_before_the_master_takes_its_address_over() {
    scenario("takeover_freeze", |scene| {
        let fault_ns = boot_ns();
        scene.cluster.daemon(OWNER).signal(Signal::SIGSTOP)?;
        taken_over(scene, 1)?;
        moved(scene, fault_ns, OWNER, 1)?;
        let frozen_ns = boot_ns();
        sleep(scene.cluster.settings().slot_lease());
        ensure!(
            scene.answers_of(1, frozen_ns)? > 20,
            "the witness: the master answers"
        );
        ensure!(
            scene.answers_of(OWNER, frozen_ns)? == 0,
            "its node, whose service lives, answers no more"
        );
        let resumed_ns = boot_ns();
        scene.cluster.daemon(OWNER).signal(Signal::SIGCONT)?;
        at_home(scene)?;
        moved(scene, resumed_ns, 1, OWNER)?;
        let changes = changes(scene, OWNER)?;
        ensure!(
            changes == ["lease_held", "lease_over", "lease_held"],
            "{changes:?}"
        );
        Ok(())
    });
}

#[test]
fn a_slots_address_stays_while_its_node_is_not_heard_on_the_management_network() {
    scenario("takeover_one_way", |scene| {
        let calm_ns = boot_ns();
        let topology = scene.cluster.lab().topology();
        wire::cut_one_way(topology, OWNER, Network::Management, Direction::FromNode)?;
        scene.diagnosed(1, OWNER, "management_fault")?;
        scene.cluster.hold(
            "somebody else bears the address",
            scene.cluster.settings().slot_lease() * 2,
            |view| own(view, 1)?["taken_over_us"].as_u64(),
        )?;
        let moves = scene.moves(calm_ns)?;
        ensure!(moves.is_empty(), "{moves:?}");
        ensure!(scene.answers_of(OWNER, calm_ns)? > 20);
        wire::heal(scene.cluster.lab().topology(), OWNER, Network::Management)?;
        scene.cluster.settle().map(drop)
    });
}

/// The owner's node is heard again while no daemon runs on the master's, so it asks before the next one can take anything.
#[test]
fn a_master_that_is_restarted_while_it_bears_an_address_leaves_none_of_it_behind() {
    let settings = Settings {
        // Within it the next daemon has to be there, so that it is master still.
        max_lease: Some(Duration::from_secs(1)),
        ..Settings::default()
    };
    scenario_like("takeover_restart", settings, |scene| {
        wire::kill_node(scene.cluster.lab().topology(), OWNER, Death::Silent)?;
        taken_over(scene, 1)?;
        ensure!(
            scene.has_address(1)?,
            "the witness: it is on the master's interface"
        );
        let code = scene.cluster.daemon_mut(1).end(Signal::SIGUSR2)?;
        ensure!(code == Some(0), "it ended with {code:?}");
        wire::heal_node(scene.cluster.lab().topology(), OWNER)?;
        scene.cluster.start_one(1)?;
        at_home(scene)?;
        ensure!(scene.cluster.settle()? == 1, "it is master still");
        let changes = changes(scene, 1)?;
        ensure!(changes == ["taken_over"], "{changes:?}");
        ensure!(!scene.has_address(1)?, "it is on two interfaces");
        Ok(())
    });
}

/// How it stands with the address's lease on the node in `slot`.
fn own(view: &View, slot: u16) -> Option<Value> {
    let addresses = view.of(slot)?.get("virtual_addresses")?.as_array()?;
    let address = addresses.first()?;
    (address["gate_open"] == true).then(|| address["slot_lease"].clone())
}

/// Waits until the slot's own node bears the address.
pub(crate) fn at_home(scene: &Scene) -> Result<()> {
    scene
        .cluster
        .wait_for("its own node bears the address", PATIENCE, |view| {
            own(view, OWNER)?["left_us"].as_u64().map(drop)
        })
}

/// Waits until the master in `slot` bears it.
pub(crate) fn taken_over(scene: &Scene, slot: u16) -> Result<()> {
    scene
        .cluster
        .wait_for("the master bears the address", PATIENCE, |view| {
            own(view, slot)?["taken_over_us"].as_u64().map(drop)
        })
}

/// Fails unless the client saw the address move once since `fault_ns`, from and to these slots; how long after.
pub(crate) fn moved(scene: &mut Scene, fault_ns: u64, from: u16, to: u16) -> Result<Duration> {
    sleep(Duration::from_millis(150));
    let sight = scene.sight(fault_ns)?;
    ensure!(
        matches!(sight.moves[..], [one] if (one.from, one.to) == (from, to)),
        "one move from slot {from} to {to} was expected, seen were {:?}",
        sight.moves
    );
    ensure!(!sight.two_answered(), "two answered");
    let at_ns = sight.moves.first().context("there is one")?.at_ns;
    Ok(Duration::from_nanos(at_ns.saturating_sub(fault_ns)))
}

/// What became of the slot's addresses on the node in `slot`, oldest first.
pub(crate) fn changes(scene: &Scene, slot: u16) -> Result<Vec<String>> {
    let events = scene.events(slot)?;
    let changes = events
        .iter()
        .filter(|event| event.get("slot_addresses").is_some())
        .filter_map(|event| Some(event["change"].as_str()?.to_owned()));
    Ok(changes.collect())
}
