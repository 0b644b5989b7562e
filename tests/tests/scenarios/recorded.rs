//! A failover, recorded by all and stepped through afterwards: the same role changes for the same reasons.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use heartbeat_tests::fault::wire::Death;
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::replay::{RECORDS, Replayed, replay};
use serde_json::Value;

use crate::node_death::dies;
use crate::scene::{Scene, scenario_in};

/// In each node's folder of its state.
pub(crate) const FILE: &str = "record";
/// Longer than a page is kept back.
const WRITTEN_AFTER: Duration = Duration::from_millis(400);

#[test]
fn a_recorded_failover_is_stepped_through_to_the_role_changes_of_the_history() {
    let settings = Settings {
        recorder: Some(FILE),
        ..Settings::default()
    };
    scenario_in("recorded", settings, |scene| {
        dies(scene, Death::Silent)?;
        sleep(WRITTEN_AFTER);
        for slot in 1..=3 {
            let file = scene.cluster.daemon(slot).state().join(FILE);
            if std::env::var_os("HEARTBEAT_BLESS").is_some() {
                keep(&file, slot)?;
            }
            as_in_history(scene, slot, &replay(&file)?)?;
        }
        Ok(())
    });
}

/// For the test that replays it ever after.
fn keep(file: &Path, slot: u16) -> Result<()> {
    let kept = PathBuf::from(RECORDS).join(format!("n{slot}.record"));
    fs::copy(file, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(())
}

pub(crate) fn as_in_history(scene: &Scene, slot: u16, replayed: &Replayed) -> Result<()> {
    let what = |change: &Value| {
        ["from", "to", "epoch", "reason", "duration_us"].map(|key| change[key].clone())
    };
    let history = scene.history(slot)?;
    let told: Vec<_> = history.iter().map(what).collect();
    let stepped: Vec<_> = replayed.role_changes().map(what).collect();
    ensure!(
        told == stepped,
        "slot {slot} tells {told:?}, and its record {stepped:?}"
    );
    ensure!(
        replayed.lines.len() > told.len() && replayed.gaps().count() == 0,
        "the record of slot {slot} tells more than the history, and lacks nothing"
    );
    Ok(())
}
