//! Wall clocks that jump by an hour, forwards and backwards, on running nodes: no decision goes by them.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::wall_clock::LIBRARY;
use heartbeat_tests::skip::{Need, lacks};
use heartbeat_user::control::rfc3339;
use heartbeat_user::sys::clock::boot_ns;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::pair::has_been;
use crate::scene::{Scene, moved_once, scenario_with};

const HOUR: i64 = 3_600;
/// How far what is noted may lie behind now.
const LATELY: u64 = 20;
/// How often a pair's master notes that it is active, and what a busy machine adds.
const NOTED: Duration = Duration::from_millis(1_500);

/// Runs a scenario in a cluster whose daemons each have a wall clock of their own, and which has settled.
fn scenario(name: &str, settings: Settings, play: impl Fn(&mut Scene) -> Result<()>) {
    if lacks(name, &[Need::Program(LIBRARY)]) {
        return;
    }
    scenario_with(name, settings, |scene| {
        for slot in scene.cluster.lab().topology().slots().collect::<Vec<_>>() {
            scene.cluster.daemon_mut(slot).give_wall_clock()?;
        }
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        sleep(Duration::from_millis(300));
        play(scene)
    });
}

/// The wall clocks of slots 1 and 2 are so far ahead from now on, in seconds.
fn step(scene: &Scene, [first, second]: [i64; 2]) -> Result<()> {
    scene.cluster.daemon(1).set_wall_clock(first)?;
    scene.cluster.daemon(2).set_wall_clock(second)
}

/// What a clock so far ahead shows now, and has shown lately, to the second.
fn lately(ahead: i64) -> impl Iterator<Item = String> {
    let now = SystemTime::now();
    (0..LATELY).filter_map(move |ago| {
        let then = now - Duration::from_secs(ago);
        let hours = Duration::from_secs(ahead.unsigned_abs());
        let shown = if ahead < 0 {
            then - hours
        } else {
            then + hours
        };
        rfc3339(shown).get(..19).map(str::to_owned)
    })
}

/// Fails unless the newest entry of a node's history bears the time of a clock so far ahead: the step was really seen.
fn noted(scene: &Scene, slot: u16, ahead: i64) -> Result<()> {
    let history = scene.history(slot)?;
    let at = history.last().and_then(|entry| entry["at"].as_str());
    let at = at.context("its history has entries")?;
    ensure!(
        lately(ahead).any(|shown| at.starts_with(&shown)),
        "slot {slot} noted {at}, with a clock {ahead} s ahead of {}",
        rfc3339(SystemTime::now())
    );
    Ok(())
}

/// When a node of a pair was active last, by what it wrote down: how long ago by the clock since boot, and the wall
/// clock's time in milliseconds.
fn written(scene: &Scene, slot: u16) -> Result<(Duration, i64)> {
    let file = scene.cluster.daemon(slot).state().join("pair.json");
    let saved: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let active = &saved["record"]["active"];
    let boot = active["boot"][1].as_u64().context("of this boot")?;
    let wall = active["wall_ms"].as_i64().context("a time")?;
    Ok((Duration::from_nanos(boot_ns().saturating_sub(boot)), wall))
}

/// Fails unless the master in `slot` wrote down that it is active now, by a wall clock so far ahead.
fn is_active(scene: &Scene, slot: u16, ahead: i64) -> Result<()> {
    let (ago, wall_ms) = written(scene, slot)?;
    ensure!(ago < NOTED, "slot {slot} was active {ago:?} ago");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let off = wall_ms / 1_000 - i64::try_from(now.as_secs())? - ahead;
    ensure!(
        off.abs() < 10,
        "its wall clock was {off} s off from {ahead} s"
    );
    Ok(())
}

/// Steps in both directions on master and slave while nothing happens, and while mastership is handed over and lost;
/// slot 1 is master in the end.
fn through_it_all(scene: &mut Scene, at_most: Duration) -> Result<()> {
    let is_pair = scene.cluster.settings().pair.is_some();
    let calm = scene.calm()?;
    for ahead in [[HOUR, 0], [0, -HOUR], [-HOUR, HOUR], [HOUR, HOUR]] {
        step(scene, ahead)?;
        sleep(NOTED);
        if is_pair {
            is_active(scene, 1, ahead[0])?;
        }
    }
    scene.stayed(&calm)?;

    let fault_ns = boot_ns();
    step(scene, [-HOUR, HOUR])?;
    scene.cluster.switchover(1, Some(2))?;
    step(scene, [HOUR, -HOUR])?;
    ensure!(scene.cluster.settle()? == 2);
    sleep(Duration::from_millis(300));
    moved_once(
        &scene.sight(fault_ns)?,
        1,
        2,
        scene.cluster.settings().lease(),
    )?;

    step(scene, [-HOUR, HOUR])?;
    let fault_ns = boot_ns();
    scene.cluster.daemon_mut(2).end(Signal::SIGKILL)?;
    step(scene, [HOUR, -HOUR])?;
    let next = scene.next_master(2)?;
    sleep(Duration::from_millis(300));
    moved_once(&scene.sight(fault_ns)?, 2, next, at_most)?;
    if next == 1 {
        noted(scene, 1, HOUR)?;
    }
    scene.cluster.start_one(2)?;
    ensure!(scene.cluster.settle()? == next);
    noted(scene, 2, -HOUR)
}

#[test]
fn three_nodes_decide_nothing_by_their_wall_clocks() {
    scenario("clock_steps", Settings::DEFAULT, |scene| {
        let at_most = scene.cluster.settings().lease() * 2;
        through_it_all(scene, at_most)
    });
}

#[test]
fn a_pair_decides_nothing_by_its_wall_clocks_and_a_battle_neither() {
    scenario("pair_clock_steps", Settings::PAIR, |scene| {
        let at_most = scene.cluster.settings().lease() * 4;
        through_it_all(scene, at_most)?;
        // Both disks say master, slot 2's of a while ago: by the wall clocks it would have been active two hours later.
        sleep(NOTED);
        is_active(scene, 1, HOUR)?;
        step(scene, [0, 0])?;
        scene.cluster.switchover(1, Some(2))?;
        ensure!(scene.cluster.settle()? == 2);
        step(scene, [0, HOUR])?;
        sleep(NOTED);
        is_active(scene, 2, HOUR)?;
        scene.cluster.daemon_mut(2).end(Signal::SIGKILL)?;
        ensure!(scene.next_master(2)? == 1);
        step(scene, [-HOUR, HOUR])?;
        sleep(NOTED);
        is_active(scene, 1, -HOUR)?;
        scene.cluster.daemon_mut(1).end(Signal::SIGKILL)?;
        scene.cluster.start_all()?;
        ensure!(scene.cluster.settle()? == 1, "who was active last");
        ensure!(has_been(scene, 1, "battle_master")? || has_been(scene, 2, "battle_master")?);
        Ok(())
    });
}
