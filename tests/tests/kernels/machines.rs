//! A cluster of three whole machines with the kernel under test: what only they can show.
//!
//! They are started once, since that takes minutes; the steps follow each other.

use std::io::Write as _;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use heartbeat_tests::guest::machines::{Machines, NODES};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_user::sys::clock::boot_ns;

use crate::image;
use crate::stopped::{stopped_alone, stopped_among_others};

/// Long: two processors emulate four machines, so everything is late.
const PERIOD: Duration = Duration::from_millis(400);
/// How long an election may take here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How late an answer may reach the observer after the gate let it pass.
pub(crate) const LATE: Duration = Duration::from_millis(150);
/// How often a machine is stopped while the others go on.
const STOPS: usize = 3;

#[test]
fn three_machines_elect_outlive_a_kill_and_shut_the_gate_of_one_that_was_stopped() {
    let Some(image) = image("three_machines") else {
        return;
    };
    let settings = Settings {
        period: PERIOD,
        ..Settings::DEFAULT
    };
    let mut machines = Machines::start(&image, settings).expect("three machines start");
    if let Err(error) = play(&mut machines) {
        panic!("{}\n=== {error:#}", machines.told());
    }
}

fn play(machines: &mut Machines) -> Result<()> {
    first_start(machines)?;
    killed(machines)?;
    let alone = stopped_alone(machines)?;
    for _ in 0..STOPS {
        stopped_among_others(machines, alone)?;
    }
    Ok(())
}

/// Straight to the descriptor: what a passing test prints is never seen.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "guests: {line}");
}

/// The longest that a master's gate stays open after its last granted probe left.
pub(crate) fn open_at_most(machines: &Machines) -> Duration {
    machines.settings().lease() * 4 / 5
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("no test takes centuries")
}

fn first_start(machines: &mut Machines) -> Result<()> {
    for slot in 1..=u16::from(NODES) {
        machines.start_daemon(slot)?;
    }
    let begun_ns = boot_ns();
    let master = machines.wait_for_master(None, PATIENCE)?;
    tell(&format!(
        "first start: slot {master} is master {:.1?} after the last daemon",
        Duration::from_nanos(boot_ns() - begun_ns)
    ));
    for slot in 1..=u16::from(NODES) {
        let shown = machines.guest(slot).run("heartbeatctl status")?;
        ensure!(shown.contains("master"), "slot {slot}: {shown}");
        ensure!(
            gates(machines, slot)?.len() == 6,
            "three interfaces, two sides"
        );
    }
    Ok(())
}

/// The ids of the gate's programs on all interfaces of a node.
fn gates(machines: &mut Machines, slot: u16) -> Result<Vec<String>> {
    let line = "for i in lo mgmt0 biz0; do lab-tool classifiers $i; done";
    let ids = machines.guest(slot).run(line)?;
    Ok(ids.split_ascii_whitespace().map(str::to_owned).collect())
}

/// The master's daemon dies; its gate stays, shuts, and is taken over by the next daemon.
fn killed(machines: &mut Machines) -> Result<()> {
    let old = machines.wait_for_master(None, PATIENCE)?;
    let before = gates(machines, old)?;
    machines.guest(old).run("kill -9 $(cat /run/daemon.pid)")?;
    let killed_ns = boot_ns();
    let new = machines.wait_for_master(Some(old), PATIENCE)?;
    let has = machines.guest(old).run("ip -o -4 address show dev biz0")?;
    let address = machines.settings().virtual_address().to_string();
    ensure!(has.contains(&address), "nobody removed it: {has}");
    ensure!(
        gates(machines, old)? == before,
        "the gate outlives its daemon"
    );
    let shut_ns = killed_ns + nanos(open_at_most(machines) + LATE);
    machines.start_daemon(old)?;
    wait_for_role(machines, old, "slave")?;
    wait_for_new_gates(machines, old, &before)?;
    let answers = machines.answers_of(old, killed_ns)?;
    ensure!(
        answers.iter().all(|at_ns| *at_ns < shut_ns),
        "slot {old} answered after its lease"
    );
    let last_ns = answers.last().map_or(0, |at_ns| at_ns - killed_ns);
    tell(&format!(
        "daemon of slot {old} killed: it answered {:.2?} longer, slot {new} follows, gate taken over",
        Duration::from_nanos(last_ns)
    ));
    Ok(())
}

/// Waits until a daemon's own programs, which it loads while the old ones are at work, are in the places of those.
fn wait_for_new_gates(machines: &mut Machines, slot: u16, old: &[String]) -> Result<()> {
    for _ in 0..PATIENCE.as_secs() {
        let now = gates(machines, slot)?;
        ensure!(now.len() == old.len(), "never none, never two: {now:?}");
        if now.iter().all(|id| !old.contains(id)) {
            return Ok(());
        }
        sleep(Duration::from_secs(1));
    }
    bail!("slot {slot} still goes by {old:?}")
}

/// Waits until a node's daemon says that it has this role.
pub(crate) fn wait_for_role(machines: &mut Machines, slot: u16, role: &str) -> Result<()> {
    let line = format!("heartbeatctl status --json | grep -q '\"role\": *\"{role}\"'");
    for _ in 0..PATIENCE.as_secs() {
        if machines.guest(slot).ask(&line)?.code == 0 {
            return Ok(());
        }
        sleep(Duration::from_secs(1));
    }
    let shown = machines
        .guest(slot)
        .ask("heartbeatctl status; tail -20 /run/daemon.log")?;
    bail!("slot {slot} is no {role}: {}", shown.text)
}
