//! A recorder whose disk is full, and one that hangs: the election goes on as if there were none.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heartbeat_tests::lab::cluster::PATIENCE;
use heartbeat_tests::lab::mounted::Mounted;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::thread_stop::ThreadStop;
use heartbeat_tests::replay::replay;

use crate::recorded::FILE;
use crate::scene::{Scene, scenario_in, scenario_with};

/// In a folder that a disk of its own is mounted on.
const ON_SMALL_DISK: &str = "small/record";
/// Two seconds of a master's record fill it.
const SMALL: &str = "size=16k";
const LARGER: &str = "size=8m";
/// Longer than the queue holds what is not written: 32 pages of a tenth of a second.
const HANGS_FOR: Duration = Duration::from_secs(5);

#[test]
fn a_full_disk_costs_the_record_and_nothing_else() {
    let settings = Settings {
        recorder: Some(ON_SMALL_DISK),
        ..Settings::default()
    };
    scenario_with("recorder_full", settings, |scene| {
        let folder = scene.cluster.daemon(1).state().join("small");
        for slot in [2, 3] {
            fs::create_dir_all(scene.cluster.daemon(slot).state().join("small"))?;
        }
        let disk = Mounted::tmpfs(&folder, SMALL)?;
        scene.cluster.start_all()?;
        scene.settle_on_1()?;
        let calm = scene.calm()?;
        until(scene, "nothing is recorded")?;
        // A second try finds no room either, and nobody is told again.
        sleep(Duration::from_secs(6));
        ensure!(scene.told(1, "nothing is recorded") == 1, "told once");
        let warnings = scene.warnings(1)?;
        ensure!(
            warnings
                .iter()
                .any(|it| it.contains("No space left on device")),
            "status says so: {warnings:?}"
        );
        scene.stayed(&calm)?;
        disk.remount(LARGER)?;
        until(scene, "recording again")?;
        ensure!(scene.warnings(1)?.iter().all(|it| !it.contains("recorded")));
        sleep(Duration::from_millis(500));
        scene.stayed(&calm)?;
        has_gap(&folder.join("record"), "the file could not be written")
    });
}

#[test]
fn a_disk_that_hangs_holds_no_heartbeat_up() {
    let settings = Settings {
        recorder: Some(FILE),
        ..Settings::default()
    };
    scenario_in("recorder_hangs", settings, |scene| {
        let calm = scene.calm()?;
        let daemon = scene.cluster.daemon(1);
        let file = daemon.state().join(FILE);
        let hanging = ThreadStop::of(daemon.pid().context("it runs")?, "recorder")?;
        let before = fs::metadata(&file)?.len();
        sleep(HANGS_FOR);
        ensure!(
            fs::metadata(&file)?.len() == before,
            "nothing was written meanwhile"
        );
        scene.stayed(&calm)?;
        drop(hanging);
        // The election is copied a second after the first loss at the earliest, and then written.
        sleep(Duration::from_secs(2));
        scene.stayed(&calm)?;
        has_gap(&file, "the recorder did not keep up")
    });
}

/// Waits until the log of slot 1 says so.
fn until(scene: &Scene, words: &str) -> Result<()> {
    let begun = Instant::now();
    while scene.told(1, words) == 0 {
        ensure!(
            begun.elapsed() < PATIENCE * 2,
            "slot 1 never told {words:?}"
        );
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The record says what it lacks and why, and is stepped through exactly before and after it.
fn has_gap(file: &Path, why: &str) -> Result<()> {
    let replayed = replay(file)?;
    let gaps: Vec<_> = replayed.gaps().collect();
    // On a disk that is full there is room for an entry now and then.
    ensure!(
        !gaps.is_empty() && gaps.iter().all(|gap| gap.contains(why)),
        "gaps, because {why}: {gaps:?}"
    );
    ensure!(
        replayed.kinds().last() == Some("end"),
        "stepped through to its end"
    );
    Ok(())
}
