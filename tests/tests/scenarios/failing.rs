//! A network that fails, in part or as a whole, while the other one works: nothing moves.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::filter::{self, Way};
use heartbeat_tests::fault::wire;
use heartbeat_tests::lab::addresses::{CONTROL_PORT, NETWORKS, Network};
use heartbeat_tests::lab::port::{Class, DIRECTIONS, Direction, Wear};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::skip::{self, Need};
use heartbeat_user::sys::clock::boot_ns;

use crate::scene::{Scene, moved_once, scenario, scenario_in, scenario_with, two_leases};

const ALL: [u16; 3] = [1, 2, 3];
/// What a message of three alarms about a network that flaps may cost: each of them raised and cleared as
/// often as the protocol allows (the first rise, two longer ones, and the last fall), and once the control
/// port.
const MOST_ALARMS: usize = 3 * 7 + 2;

#[test]
fn a_management_switch_that_is_gone_for_some_seconds_moves_nothing() {
    scenario("switch_gone", |scene| {
        switch_gone(scene, Duration::from_secs(5))
    });
}

#[test]
fn a_management_switch_that_is_gone_for_a_minute_moves_nothing() {
    if skip::lacks("switch_gone_long", &[Need::Long]) {
        return;
    }
    // In a minute the machine that the lab shares takes a processor away for longer than 30 ms now and then.
    let settings = Settings {
        detect_multiplier: 10,
        ..Settings::default()
    };
    scenario_in("switch_gone_long", settings, |scene| {
        switch_gone(scene, Duration::from_secs(60))
    });
}

fn switch_gone(scene: &mut Scene, gone: Duration) -> Result<()> {
    let calm = scene.calm()?;
    wire::switch(scene.cluster.lab().topology(), Network::Management, false)?;
    scene.degraded(true)?;
    for slot in [2, 3] {
        scene.diagnosed(1, slot, "management_fault")?;
        scene.diagnosed(5 - slot, slot, "management_fault")?;
    }
    scene
        .cluster
        .hold("somebody else is master", gone, |view| {
            view.masters().into_iter().find(|slot| *slot != 1)
        })?;
    scene.degraded(true)?;
    for slot in ALL {
        let status = scene.cluster.view();
        let electable = status.of(slot).map(|status| status["electable"] == true);
        ensure!(electable == Some(true), "slot {slot} could not be elected");
    }
    wire::switch(scene.cluster.lab().topology(), Network::Management, true)?;
    scene.degraded(false)?;
    scene.stayed(&calm)?;
    scene.quiet()
}

#[test]
fn a_master_that_dies_while_the_management_switch_is_gone_is_replaced() {
    scenario("switch_gone_and_death", |scene| {
        wire::switch(scene.cluster.lab().topology(), Network::Management, false)?;
        scene.degraded(true)?;
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 1, wire::Death::Silent)?;
        let next = scene.next_master(1)?;
        sleep(Duration::from_millis(500));
        let view = scene.cluster.view();
        ensure!(view.masters() == [next], "{view}");
        // Nobody is named to follow, so the pauses and both roads are tried: three leases at most.
        let at_most = two_leases(scene) + two_leases(scene) / 2;
        moved_once(&scene.sight(fault_ns)?, 1, next, at_most)?;
        wire::switch(scene.cluster.lab().topology(), Network::Management, true)?;
        scene
            .cluster
            .wait_for("the other two agree", Duration::from_secs(10), |view| {
                (view.of(2)?["degraded"] == false && view.of(3)?["degraded"] == false).then_some(())
            })?;
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        ensure!(scene.cluster.settle()? == next);
        Ok(())
    });
}

#[test]
fn multicast_that_a_switch_drops_while_unicast_passes_moves_nothing() {
    scenario("multicast_dropped", |scene| {
        let calm = scene.calm()?;
        lose(scene, &ALL, Some(Class::Groups))?;
        scene.degraded(true)?;
        sleep(Duration::from_secs(2));
        let lost = scene
            .cluster
            .lab()
            .topology()
            .port(1, Network::Management)
            .counts(Direction::FromNode)?;
        ensure!(lost.lost > 100, "only {} probes were lost", lost.lost);
        lose(scene, &ALL, None)?;
        scene.degraded(false)?;
        scene.stayed(&calm)?;
        scene.quiet()
    });
}

#[test]
fn heartbeats_by_unicast_need_no_multicast_at_all() {
    let settings = Settings {
        unicast: true,
        ..Settings::default()
    };
    scenario_with("unicast", settings, |scene| {
        lose(scene, &ALL, Some(Class::Groups))?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let calm = scene.calm()?;
        sleep(Duration::from_secs(2));
        scene.degraded(false)?;
        scene.stayed(&calm)?;
        let fault_ns = boot_ns();
        wire::kill_node(scene.cluster.lab().topology(), 1, wire::Death::Silent)?;
        ensure!(scene.next_master(1)? == 2);
        sleep(Duration::from_millis(300));
        wire::heal_node(scene.cluster.lab().topology(), 1)?;
        ensure!(scene.cluster.settle()? == 2);
        sleep(Duration::from_millis(200));
        let at_most = two_leases(scene);
        moved_once(&scene.sight(fault_ns)?, 1, 2, at_most)?;
        scene.degraded(false)
    });
}

/// The frames of this class on the management network are lost, to and from these nodes.
fn lose(scene: &Scene, slots: &[u16], class: Option<Class>) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    for slot in slots {
        for direction in DIRECTIONS {
            topology
                .port(*slot, Network::Management)
                .lose(direction, class)?;
        }
    }
    Ok(())
}

#[test]
fn a_firewall_on_the_control_port_is_an_alarm_on_a_quiet_day() {
    if skip::lacks("control_port", &[Need::Nft]) {
        return;
    }
    scenario("control_port", |scene| {
        let calm = scene.calm()?;
        let node = scene.cluster.lab().topology().node(3);
        filter::drop_port(node, CONTROL_PORT, Way::In)?;
        let patience = Duration::from_secs(60);
        scene
            .cluster
            .wait_for("slot 3 knows that it is not electable", patience, |view| {
                let status = view.of(3)?;
                (status["electable"] == false && status["not_electable"] == "control_port")
                    .then_some(())
            })?;
        ensure!(scene.alarms(3)?.contains(&"not_electable".to_owned()));
        // The master asks by that port over the business network, once in ten seconds: the one thing it may have found by now.
        let of_master = scene.alarms(1)?;
        ensure!(
            of_master.iter().all(|alarm| alarm == "business_fault"),
            "{of_master:?}"
        );
        filter::pass(node)?;
        scene
            .cluster
            .wait_for("slot 3 is electable", patience, |view| {
                (view.of(3)?["electable"] == true).then_some(())
            })?;
        scene.quiet()?;
        scene.stayed(&calm)
    });
}

#[test]
fn each_one_way_cut_of_one_network_of_a_slave_moves_nothing() {
    scenario("slave_one_way", one_way_cuts_of_a_slave);
}

pub(crate) fn one_way_cuts_of_a_slave(scene: &mut Scene) -> Result<()> {
    let calm = scene.calm()?;
    for network in NETWORKS {
        for direction in DIRECTIONS {
            wire::cut_one_way(scene.cluster.lab().topology(), 3, network, direction)?;
            match network {
                Network::Management => scene.diagnosed(1, 3, "management_fault")?,
                Network::Business => sleep(Duration::from_millis(300)),
            }
            ensure!(scene.cluster.view().masters() == [1]);
            wire::heal(scene.cluster.lab().topology(), 3, network)?;
            ensure!(scene.cluster.settle()? == 1);
        }
    }
    scene.stayed(&calm)
}

#[test]
fn each_one_way_cut_of_the_masters_business_network_moves_nothing() {
    scenario("master_business_one_way", |scene| {
        for direction in DIRECTIONS {
            let epoch = scene.cluster.view().epoch();
            wire::cut_one_way(
                scene.cluster.lab().topology(),
                1,
                Network::Business,
                direction,
            )?;
            sleep(Duration::from_millis(500));
            let view = scene.cluster.view();
            ensure!(view.agreed() == Some(1) && view.epoch() == epoch, "{view}");
            scene.degraded(false)?;
            wire::heal(scene.cluster.lab().topology(), 1, Network::Business)?;
            ensure!(scene.cluster.settle()? == 1);
        }
        Ok(())
    });
}

#[test]
fn a_link_of_the_master_that_flaps_flaps_neither_mastership_nor_the_display() {
    scenario("flapping_master", |scene| flapping(scene, 1, MOST_ALARMS));
}

#[test]
fn a_link_of_a_slave_that_flaps_flaps_neither_mastership_nor_the_display() {
    scenario("flapping_slave", |scene| flapping(scene, 3, 7 + 2));
}

fn flapping(scene: &mut Scene, slot: u16, most_alarms: usize) -> Result<()> {
    const CYCLES: u32 = 20;
    const HALF: Duration = Duration::from_millis(300);
    let calm = scene.calm()?;
    let before = (scene.role_changes(1)?, scene.told(1, "alarm "));
    for _ in 0..CYCLES {
        let topology = scene.cluster.lab().topology();
        wire::cut(topology, slot, Network::Management)?;
        sleep(HALF);
        wire::wear(topology, slot, Network::Management, Wear::default())?;
        sleep(HALF);
    }
    let after = (scene.role_changes(1)?, scene.told(1, "alarm "));
    println!(
        "slot {slot}: {CYCLES} times {HALF:?} down and up: {} role changes of the master, {} alarms raised or cleared",
        after.0 - before.0,
        after.1 - before.1
    );
    ensure!(after.0 == before.0);
    let told = after.1 - before.1;
    ensure!((2..=most_alarms).contains(&told), "{told} alarms");
    scene.degraded(false)?;
    scene.stayed(&calm)?;
    scene.quiet()
}

#[test]
fn partial_loss_on_both_networks_never_makes_two_and_a_hundredth_moves_nothing() {
    scenario("partial_loss", |scene| {
        for (lost, moves_nothing) in [(10, true), (100, false), (500, false)] {
            let from_ns = boot_ns();
            let before = scene.cluster.view().epoch().context("an epoch")?;
            every_wire(scene, Wear { lost, doubled: 0 })?;
            sleep(Duration::from_secs(6));
            every_wire(scene, Wear::default())?;
            scene.cluster.settle()?;
            let after = scene.cluster.view().epoch().context("an epoch")?;
            let moves = scene.moves(from_ns)?.len();
            println!(
                "{} % lost on every wire, each way, for 6 s: {moves} moves of the address, round {} became {}",
                lost / 10,
                before.0,
                after.0
            );
            ensure!(
                !moves_nothing || after == before,
                "{before:?} became {after:?}"
            );
        }
        Ok(())
    });
}

fn every_wire(scene: &Scene, wear: Wear) -> Result<()> {
    let topology = scene.cluster.lab().topology();
    for slot in ALL {
        for network in NETWORKS {
            wire::wear(topology, slot, network, wear)?;
        }
    }
    Ok(())
}

#[test]
fn a_mastership_that_no_reply_ever_renewed_doubles_its_pause() {
    let settings = Settings {
        witness: Some(3),
        ..Settings::default()
    };
    scenario_with("futile", settings, |scene| {
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        // Slot 2's probes reach nobody, its votes do; slot 1's probes reach slot 2, a majority.
        let topology = scene.cluster.lab().topology();
        for slot in [1, 3] {
            topology
                .port(slot, Network::Management)
                .lose(Direction::ToNode, Some(Class::Groups))?;
            topology
                .port(slot, Network::Business)
                .lose(Direction::ToNode, Some(Class::Heartbeats))?;
        }
        let mut pauses = Vec::new();
        for _ in 0..5 {
            scene.cluster.wait_for(
                "slot 1 is master, and slot 2 could be",
                Duration::from_secs(10),
                |view| {
                    let healthy = view.diagnosis(1, 2) == Some("healthy");
                    (view.masters() == [1] && healthy).then_some(())
                },
            )?;
            sleep(Duration::from_millis(200));
            let masterships = scene.lost(2)?;
            scene.cluster.switchover(1, Some(2))?;
            let begun = Instant::now();
            while scene.lost(2)? == masterships {
                ensure!(
                    begun.elapsed() < Duration::from_secs(5),
                    "slot 2 stayed master"
                );
                sleep(Duration::from_millis(2));
            }
            let view = scene.cluster.view();
            let status = view.of(2).context("it answers")?;
            let gone = status["role_age_us"].as_u64().context("it has a role")?;
            // A short pause may be over by the time that somebody looks.
            let left = status["stands_in_us"].as_u64();
            pauses.push(left.map_or(0, |left| gone + left) / 1_000);
        }
        println!("slot 2 stands again in {pauses:?} ms");
        // 2, 4, 8, 16, 32 leases of 50 ms, less what it took to ask.
        for (pause, least) in pauses.iter().zip([0, 60, 200, 500, 1_200]) {
            ensure!(*pause >= least, "{pauses:?}");
        }
        for slot in [1, 3] {
            for network in NETWORKS {
                let port = scene.cluster.lab().topology().port(slot, network);
                port.lose(Direction::ToNode, None)?;
            }
        }
        scene.cluster.settle().map(drop)
    });
}
