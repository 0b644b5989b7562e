//! Floods that no mastership is lost by, and what a refused frame of them costs.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aya::programs::loaded_programs;
use aya::sys::{Stats, enable_stats};
use heartbeat_tests::fault::flood::{self, Flood};
use heartbeat_tests::fault::replay;
use heartbeat_tests::lab::counters;
use heartbeat_tests::lab::helper::Helper;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, scenario};

/// How long each of them lasts.
const FLOODED: Duration = Duration::from_secs(2);
/// How long a replay listens first.
const LISTEN: Duration = Duration::from_millis(500);
/// Fewest frames of a flood: else it was none.
const FEWEST: u64 = 10_000;
/// Most of a core that a flooded daemon may take, in per cent. The kernel charges a part of the flood
/// itself to whoever it interrupts.
const MOST_PER_CENT: f64 = 25.0;

#[test]
fn malformed_frames_to_all_cost_no_mastership() {
    rogue("flood_malformed", Flood::Malformed, Verdict::Malformed);
}

#[test]
fn forged_replies_to_the_master_cost_no_mastership() {
    rogue("flood_replies", Flood::Replies, Verdict::Unauthentic);
}

#[test]
fn alarms_of_somebody_who_has_the_key_are_limited() {
    rogue(
        "flood_implausible",
        Flood::Implausible,
        Verdict::Implausible,
    );
}

#[test]
fn recorded_replies_to_the_master_cost_no_mastership() {
    scenario("flood_recorded_replies", |scene| {
        let caught = [Verdict::Stale, Verdict::Repeated, Verdict::Reflected];
        flooded(scene, "recorded replies", &caught, |scene| {
            replay::start(scene.cluster.lab(), 1, LISTEN)
        })
    });
}

#[test]
fn recorded_probes_of_an_old_mastership_are_refused_at_a_limited_rate() {
    scenario("flood_old_probes", |scene| {
        let old = replay::start(scene.cluster.lab(), 2, LISTEN)?;
        // What it recorded is of the mastership that ends now.
        scene.cluster.switchover(1, Some(3))?;
        scene.cluster.wait_for(
            "slot 3 is master",
            heartbeat_tests::lab::cluster::PATIENCE,
            |view| view.settled().filter(|slot| *slot == 3),
        )?;
        let caught = [Verdict::Refused, Verdict::RefusalLimited, Verdict::Replayed];
        flooded(scene, "recorded probes", &caught, |_| Ok(old))?;
        let pins = scene.cluster.daemon(2).pins();
        let refused = counters::responder(pins, Verdict::Refused)?;
        let limited = counters::responder(pins, Verdict::RefusalLimited)?;
        println!("of them {refused} were answered with a refusal, {limited} were not");
        ensure!(
            refused > 0 && limited > refused,
            "{refused} refusals were sent, {limited} were held back"
        );
        Ok(())
    });
}

fn rogue(name: &str, what: Flood, caught: Verdict) {
    scenario(name, |scene| rogues(scene, name, what, caught));
}

pub(crate) fn rogues(scene: &mut Scene, name: &str, what: Flood, caught: Verdict) -> Result<()> {
    flooded(scene, name, &[caught], |scene| {
        flood::start(scene.cluster.lab(), what)
    })
}

/// Nothing moves under the flood; the figures are printed (`cargo test -- --nocapture`).
fn flooded(
    scene: &mut Scene,
    what: &str,
    caught: &[Verdict],
    start: impl FnOnce(&Scene) -> Result<Helper>,
) -> Result<()> {
    let master = scene.cluster.settle()?;
    let epoch = scene.cluster.view().epoch().context("there is an epoch")?;
    let flood = start(scene)?;
    let from_ns = boot_ns();
    let _statistics = enable_stats(Stats::RunTime)?;
    let (cpu, ran, begun) = (cpu_ns(scene)?, responders(), Instant::now());
    let before = count(scene, caught)?;
    scene.cluster.hold("the master changed", FLOODED, |view| {
        (view.masters() != [master]).then(|| view.masters())
    })?;
    let took = begun.elapsed();
    let after = count(scene, caught)?;
    let (cpu, ran) = (difference(&cpu_ns(scene)?, &cpu), {
        let now = responders();
        (now.0 - ran.0, now.1 - ran.1)
    });
    flood::finish(flood)?;
    let refused = after - before;
    let busiest = cpu.iter().map(|ns| per_cent(*ns, took)).fold(0.0, f64::max);
    let lost = lost_events(scene)?;
    println!(
        "{what}: {} frames a second refused, {} ns each on all nodes' responders together ({} runs), busiest daemon \
         {busiest:.1} % of a core, {lost} events lost",
        rate(refused, took),
        ran.1 / ran.0.max(1),
        ran.0,
    );
    ensure!(refused > FEWEST, "only {refused} frames were refused");
    ensure!(
        scene.moves(from_ns)?.is_empty() && scene.cluster.view().epoch() == Some(epoch),
        "the mastership is another one"
    );
    ensure!(lost == 0, "{lost} events found the ring full");
    ensure!(
        busiest <= MOST_PER_CENT,
        "a daemon took {busiest:.1} % of a core"
    );
    sleep(Duration::from_millis(100));
    ensure!(scene.cluster.settle()? == master);
    Ok(())
}

/// How often all nodes together came to those verdicts.
fn count(scene: &Scene, verdicts: &[Verdict]) -> Result<u64> {
    let mut sum = 0;
    for slot in scene.cluster.lab().topology().slots() {
        for verdict in verdicts {
            sum += counters::responder(scene.cluster.daemon(slot).pins(), *verdict)?;
        }
    }
    Ok(sum)
}

fn lost_events(scene: &Scene) -> Result<u64> {
    let slots = scene.cluster.lab().topology().slots();
    slots
        .map(|slot| counters::lost_events(scene.cluster.daemon(slot).pins()))
        .sum()
}

/// Runs of all responders on this machine, and the nanoseconds that they took.
fn responders() -> (u64, u64) {
    loaded_programs()
        .filter_map(Result::ok)
        .filter(|program| program.name_as_str() == Some("heartbeat"))
        .fold((0, 0), |(runs, time_ns), program| {
            let time = u64::try_from(program.run_time().as_nanos()).unwrap_or(u64::MAX);
            (runs + program.run_count(), time_ns + time)
        })
}

/// Processor time of each daemon, all its threads, in nanoseconds.
fn cpu_ns(scene: &Scene) -> Result<Vec<u64>> {
    let slots = scene.cluster.lab().topology().slots();
    slots
        .map(|slot| scene.cluster.daemon(slot).ran_ns())
        .collect()
}

fn difference(after: &[u64], before: &[u64]) -> Vec<u64> {
    after
        .iter()
        .zip(before)
        .map(|(after, before)| after.saturating_sub(*before))
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some seconds in nanoseconds are exact in a double"
)]
fn per_cent(ran_ns: u64, took: Duration) -> f64 {
    ran_ns as f64 / 1e7 / took.as_secs_f64()
}

fn rate(count: u64, took: Duration) -> u64 {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    count * 1_000 / took_ms
}
