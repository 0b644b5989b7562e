//! Processors that hogs took, on the slaves' side and on the master's: a mastership is lost by nothing but
//! the master's own lateness, and then the master says so.
//!
//! All namespaces of the lab share the machine's processors, so a side is a processor: one node's daemon,
//! or two's, and the hogs are bound to the second one, everybody else's to the first. The kernel's answers
//! are made on the processor that sends the probe, as they would be by the network card's interrupt.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::hog;
use heartbeat_tests::lab::affinity::{bind_here, bind_process};
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::sys::clock::boot_ns;
use serde_json::Value;

use crate::scene::{Scene, scenario};

/// For the lookers-on and those who are not starved.
const FREE: usize = 0;
/// For the hogs and those whom they starve.
const TAKEN: usize = 1;
/// Ordinary tasks; real-time ones below the daemon's threads; and above all.
const LEVELS: [Option<u8>; 3] = [None, Some(49), Some(99)];
/// How long each level lasts in every test run.
const SHORT: Duration = Duration::from_secs(4);
/// And when somebody asks for more.
const LONG: Duration = Duration::from_secs(60);
/// What the daemon says of a mastership that it lost by not running.
const LATE: &str = "ms late";

/// Who shares a processor with the hogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Slaves,
    Master,
}

#[test]
fn hogs_beside_the_slaves_cost_no_failover() {
    starved("starved_slaves", Side::Slaves, SHORT);
}

#[test]
fn hogs_beside_the_master_cost_a_failover_only_if_it_runs_late() {
    starved("starved_master", Side::Master, SHORT);
}

#[test]
fn hogs_beside_the_slaves_cost_no_failover_for_a_minute_each() {
    if !lacks("starved_slaves_long", &[Need::Long]) {
        starved("starved_slaves_long", Side::Slaves, LONG);
    }
}

#[test]
fn hogs_beside_the_master_cost_a_failover_only_if_it_runs_late_for_a_minute_each() {
    if !lacks("starved_master_long", &[Need::Long]) {
        starved("starved_master_long", Side::Master, LONG);
    }
}

fn starved(name: &str, side: Side, time: Duration) {
    if lacks(name, &[Need::Processors(2)]) {
        return;
    }
    // What asks the daemons is started from here and stays here.
    let _here = bind_here(FREE).expect("a thread may choose its processor");
    scenario(name, |scene| {
        LEVELS
            .into_iter()
            .try_for_each(|fifo| one_level(scene, side, fifo, time))
    });
}

fn one_level(scene: &mut Scene, side: Side, fifo: Option<u8>, time: Duration) -> Result<()> {
    scene.takes_all();
    scene.settle_on_1()?;
    for slot in scene.cluster.lab().topology().slots() {
        let pid = scene.cluster.daemon(slot).pid().context("it runs")?;
        let beside_hogs = (slot == 1) == (side == Side::Master);
        bind_process(pid, if beside_hogs { TAKEN } else { FREE })?;
    }
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let from_ns = boot_ns();
    let hogs = hog::start_on(
        scene.cluster.lab(),
        scene.cluster.lab().topology().node(1),
        fifo,
        TAKEN,
    )?;
    let stalled = watch(scene, time);
    let took = hog::finish(hogs)?;
    // Ordinary hogs share the processor with whatever else the machine does.
    let least = if fifo.is_some() { time / 2 } else { time / 20 };
    ensure!(
        took > least,
        "the hogs got the processor for {took:?} of {time:?} only"
    );
    if side == Side::Slaves && fifo == Some(99) {
        ensure!(stalled, "nobody saw that the slaves' daemons were starved");
    }
    scene.cluster.settle()?;
    let kept = scene.cluster.view().epoch() == Some(epoch);
    let moved = scene.moves(from_ns)?.len();
    let losses = losses(scene, epoch)?;
    let lateness = lateness(scene)?;
    // Shown by `cargo test -- --nocapture`, and with the failure.
    println!(
        "hogs at {} beside the {side:?} for {time:?}: mastership {}, address moved {moved} times, the master's \
         worst lateness since its start {lateness} us, masterships lost: {losses:?}",
        fifo.map_or("nice 0".to_owned(), |level| format!("SCHED_FIFO {level}")),
        if kept { "kept" } else { "lost" },
    );
    let lost_by = |words| losses.first().is_some_and(|loss| loss.contains(words));
    ensure!(
        kept || lost_by(LATE),
        "the mastership was lost for another reason than lateness: {losses:?}"
    );
    ensure!(
        kept || lateness >= slack_us(scene),
        "lost by a lateness of {lateness} us at most, below what the lease leaves"
    );
    ensure!(
        !kept || moved == 0,
        "the address moved under one mastership"
    );
    Ok(())
}

/// Looks on for `time`; whether the master ever found a slave's daemon stalled.
fn watch(scene: &Scene, time: Duration) -> bool {
    let begun = Instant::now();
    let mut stalled = false;
    while begun.elapsed() < time {
        stalled |= scene.cluster.view().diagnosis(1, 2) == Some("daemon_stalled");
        sleep(Duration::from_millis(100));
    }
    stalled
}

/// Why slot 1 gave up masterships of that epoch or later, in order.
fn losses(scene: &Scene, (round, _): (u64, u64)) -> Result<Vec<String>> {
    let contact = scene.cluster.daemon(1).contact();
    let history = contact.json(&["history", "--json"])?;
    let changes = history.as_array().context("the history is a list")?;
    Ok(changes
        .iter()
        .filter(|change| {
            change["from"] == "master" && change["epoch"]["round"].as_u64() >= Some(round)
        })
        .map(|change| change["reason"].as_str().unwrap_or_default().to_owned())
        .collect())
}

/// The worst lateness of slot 1 since its start, in microseconds.
fn lateness(scene: &Scene) -> Result<u64> {
    let view = scene.cluster.view();
    view.of(1)
        .and_then(|status| status["local"]["worst_lateness_us"].as_u64())
        .with_context(|| {
            format!(
                "slot 1 tells its lateness: {:?}",
                view.of(1).map(Value::to_string)
            )
        })
}

/// What a lease that was just renewed leaves a turn, and the turn before it to be late in all, in
/// microseconds: the lease without its guard, less two periods.
fn slack_us(scene: &Scene) -> u64 {
    let settings = scene.cluster.settings();
    let slack = settings.lease() * 4 / 5 - settings.period * 2;
    u64::try_from(slack.as_micros()).unwrap_or(u64::MAX)
}
