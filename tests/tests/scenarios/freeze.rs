//! The master's daemon is stopped and resumed: it must not serve on, before or after.

use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;

use crate::scene::{moved_once, scenario, two_leases};

/// How long it is frozen.
const FROZEN: Duration = Duration::from_secs(3);

#[test]
fn a_frozen_master_sends_nothing_for_the_address_after_its_lease_resumed_or_not() {
    scenario("freeze", |scene| {
        let fault_ns = boot_ns();
        scene.cluster.daemon(1).signal(Signal::SIGSTOP)?;
        let shut_ns = scene.shut_from_ns()?;
        sleep(FROZEN);
        let second = scene.next_master(1)?;
        ensure!(second == 2, "the lowest healthy slot follows, not {second}");
        scene.diagnosed(2, 1, "daemon_stalled")?;
        scene.cluster.daemon(1).signal(Signal::SIGCONT)?;
        // Its own absence is what it lost mastership by.
        scene.expect(1, "slave", "ms late")?;
        ensure!(scene.cluster.settle()? == 2);
        sleep(Duration::from_millis(300));
        ensure!(
            scene.answers_of(1, shut_ns)? == 0,
            "slot 1 answered after its lease"
        );
        ensure!(
            !scene.has_address(1)?,
            "the resumed daemon removed the address"
        );
        moved_once(&scene.sight(fault_ns)?, 1, 2, two_leases(scene))?;
        scene.expect(2, "master", "majority of electors voted")
    });
}
