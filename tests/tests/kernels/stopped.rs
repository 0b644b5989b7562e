//! A master whose whole machine is stopped and goes on: its clocks stood still, so its lease goes on too.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::guest::machines::{Machines, NODES};
use heartbeat_tests::lab::addresses::{NETWORKS, Network};
use heartbeat_user::sys::clock::boot_ns;

use crate::machines::{LATE, PATIENCE, nanos, open_at_most, tell, wait_for_role};

/// How long the master stays stopped after another one serves.
const STOPPED: Duration = Duration::from_secs(3);

/// One reading of a guest's clocks, and when the host asked for it; all in nanoseconds.
#[derive(Clone, Copy)]
struct Clocks {
    host: u64,
    monotonic: u64,
    boot: u64,
    wall: u64,
}

impl Clocks {
    fn read(machines: &mut Machines, slot: u16) -> Result<Self> {
        let host = boot_ns();
        let told = machines.guest(slot).run("lab-tool clocks")?;
        let mut words = told.split(' ').map(str::parse::<u64>);
        let mut next = || words.next().context("three clocks")?.context("a number");
        Ok(Self {
            host,
            monotonic: next()?,
            boot: next()?,
            wall: next()?,
        })
    }

    /// What each went on by since `before`.
    fn told_since(&self, before: &Self) -> String {
        let by = |now: u64, then: u64| Duration::from_nanos(now - then);
        format!(
            "the host's clock went on by {:.2?}, the guest's CLOCK_MONOTONIC by {:.2?}, CLOCK_BOOTTIME by {:.2?}, \
             CLOCK_REALTIME by {:.2?}",
            by(self.host, before.host),
            by(self.monotonic, before.monotonic),
            by(self.boot, before.boot),
            by(self.wall, before.wall)
        )
    }
}

/// How long the old master answered after it went on, and how often.
fn opened(machines: &mut Machines, slot: u16, resumed_ns: u64) -> Result<(Duration, usize)> {
    let answers = machines.answers_of(slot, resumed_ns)?;
    let last_ns = answers.last().map_or(0, |at_ns| at_ns - resumed_ns);
    Ok((Duration::from_nanos(last_ns), answers.len()))
}

/// The master is stopped, and goes on where nobody can probe it: its gate is open for the rest of its lease, and
/// no longer. How long that was.
pub(crate) fn stopped_alone(machines: &mut Machines) -> Result<Duration> {
    let old = machines.wait_for_master(None, PATIENCE)?;
    let before = Clocks::read(machines, old)?;
    let stopped_ns = boot_ns();
    machines.guest(old).stop()?;
    for network in NETWORKS {
        machines.plug(old, network, false)?;
    }
    let new = machines.wait_for_master(Some(old), PATIENCE)?;
    let others: Vec<u16> = (1..=u16::from(NODES)).filter(|slot| *slot != old).collect();
    for slot in &others {
        machines.guest(*slot).stop()?;
    }
    machines.plug(old, Network::Business, true)?;
    let resumed_ns = boot_ns();
    machines.guest(old).go_on()?;
    sleep(machines.settings().lease() * 2);
    let (open, answers) = opened(machines, old, resumed_ns)?;
    let most = open_at_most(machines);
    tell(&format!(
        "master {old} stopped for {:.1?} and not probed after: gate open for {open:.2?} ({answers} answers), at most {most:?}",
        Duration::from_nanos(resumed_ns - stopped_ns)
    ));
    ensure!(
        answers > 0,
        "the observer reaches it, and its lease went on"
    );
    ensure!(open <= most + LATE, "open for {open:?}, at most {most:?}");
    let after = Clocks::read(machines, old)?;
    tell(&after.told_since(&before));
    machines.plug(old, Network::Management, true)?;
    for slot in &others {
        machines.guest(*slot).go_on()?;
    }
    wait_for_role(machines, new, "master")?;
    wait_for_role(machines, old, "slave")?;
    Ok(open)
}

/// The master is stopped, and goes on among the others: the new master's first probe shuts its gate, long before the
/// rest of its lease (`rest`) is over.
pub(crate) fn stopped_among_others(machines: &mut Machines, rest: Duration) -> Result<()> {
    let old = machines.wait_for_master(None, PATIENCE)?;
    let before = Clocks::read(machines, old)?;
    let stopped_ns = boot_ns();
    machines.guest(old).stop()?;
    let new = machines.wait_for_master(Some(old), PATIENCE)?;
    sleep(STOPPED);
    let resumed_ns = boot_ns();
    machines.guest(old).go_on()?;
    sleep(machines.settings().lease() * 2);
    let (open, answers) = opened(machines, old, resumed_ns)?;
    tell(&format!(
        "master {old} stopped for {:.1?}, then probed by slot {new}: gate open for {open:.1?} ({answers} answers)",
        Duration::from_nanos(resumed_ns - stopped_ns)
    ));
    ensure!(
        open < rest / 2,
        "a probe shuts it: open for {open:?}, without a probe it was {rest:?}"
    );
    let served = machines.answers_of(new, resumed_ns)?;
    ensure!(!served.is_empty(), "slot {new} goes on serving");
    wait_for_role(machines, old, "slave")?;
    tell(&Clocks::read(machines, old)?.told_since(&before));
    let why = "grep 'from=\"master\"' /run/daemon.log | tail -1";
    tell(&machines.guest(old).run(why)?);
    let shut_ns = resumed_ns + nanos(open);
    ensure!(
        machines.answers_of(old, shut_ns + 1)?.is_empty(),
        "and it stays shut"
    );
    Ok(())
}
