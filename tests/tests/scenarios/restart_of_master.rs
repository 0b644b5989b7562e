//! The master's daemon is restarted.

use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{moved_once, scenario, two_leases};

#[test]
fn a_master_that_is_told_to_stop_hands_over_in_order_and_follows_when_started_again() {
    scenario("restart_of_master_in_order", |scene| {
        let fault_ns = boot_ns();
        let code = scene.cluster.daemon_mut(1).end(Signal::SIGTERM)?;
        ensure!(code == Some(0), "it ended with {code:?}");
        let second = scene.next_master(1)?;
        ensure!(!scene.has_address(1)?, "it removed the address");
        scene.cluster.start_one(1)?;
        ensure!(scene.cluster.settle()? == second);
        sleep(Duration::from_millis(200));
        moved_once(
            &scene.sight(fault_ns)?,
            1,
            second,
            scene.cluster.settings().lease(),
        )
    });
}

#[test]
fn a_master_killed_and_started_at_once_serves_on_or_gives_way_and_never_both() {
    scenario("restart_of_master_at_once", |scene| {
        let fault_ns = boot_ns();
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        scene.cluster.start_one(1)?;
        let master = scene.cluster.settle()?;
        sleep(Duration::from_millis(300));
        let sight = scene.sight(fault_ns)?;
        if master == 1 && sight.moves.is_empty() {
            // It took its lease up again; the client saw at most a hiccup.
            ensure!(
                sight.outage_ms().is_some_and(|ms| ms < 100.0),
                "{:?}",
                sight.outage
            );
            return Ok(());
        }
        moved_once(&sight, 1, master, two_leases(scene))
    });
}

#[test]
fn a_second_stop_signal_ends_the_daemon_at_once() {
    scenario("restart_of_master_twice", |scene| {
        let fault_ns = boot_ns();
        let daemon = scene.cluster.daemon(1);
        daemon.signal(Signal::SIGTERM)?;
        daemon.signal(Signal::SIGTERM)?;
        let gone = std::time::Instant::now();
        while scene.cluster.daemon_mut(1).runs()? {
            ensure!(
                gone.elapsed() < Duration::from_secs(1),
                "it still runs after a second"
            );
            sleep(Duration::from_millis(5));
        }
        let second = scene.next_master(1)?;
        sleep(Duration::from_millis(200));
        moved_once(&scene.sight(fault_ns)?, 1, second, two_leases(scene))
    });
}
