//! `cargo xtask bench failover`: how long the client waits, many times over. Beside it, in modules of
//! their own, [`datapath`], [`info`], [`pair`] and [`scale`].

pub mod datapath;
pub mod info;
pub mod pair;
pub mod scale;
pub mod shares;
pub mod statistics;
pub mod tables;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::shares::Shares;
use crate::bench::statistics::Summary;
use crate::lab::alone::Alone;
use crate::lab::cluster::Cluster;
use crate::lab::settings::Settings;
use crate::lab::watch::Watch;
use crate::report::answers;
use crate::report::outage::moves;
use crate::trial::{Outcome, TRIALS, Trial};

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// How long client and observer look on before the first trial.
const WARM_UP: Duration = Duration::from_millis(500);

/// Periods and detect multipliers that are measured; the second one is the default.
const PACES: [(Duration, u16); 3] = [
    (Duration::from_millis(10), 3),
    (Duration::from_millis(10), 5),
    (Duration::from_millis(1), 5),
];

/// All repetitions of one trial at one pace.
#[derive(Debug, Clone)]
pub struct Series {
    /// Time between two probes.
    pub period: Duration,
    /// Periods without a probe after which the master counts as lost.
    pub detect_multiplier: u16,
    /// What was done.
    pub trial: Trial,
    /// Outages as the client saw them.
    pub outage: Summary,
    /// Their parts, by the new master's own stamps.
    pub shares: Vec<(&'static str, Summary)>,
    /// Two-answer time of all repetitions together, in nanoseconds.
    pub two_answer_ns: u64,
    /// Longest time without an answer apart from the outages, in nanoseconds: what this machine adds
    /// on a quiet moment.
    pub hiccup_ns: u64,
    /// Moves of the address beyond the one that was meant, in all repetitions together.
    pub spontaneous: usize,
    /// Questions to all nodes that were judged, in all repetitions together.
    pub judged: usize,
}

/// Measures everything `repetitions` times, prints the table and writes the JSON.
///
/// # Errors
/// When a cluster does not come to life again, or the file cannot be written.
pub fn failover(repetitions: usize, file: &Path) -> Result<()> {
    let _alone = Alone::wait()?;
    let mut all = Vec::new();
    for (period, detect_multiplier) in PACES {
        let settings = Settings {
            period,
            detect_multiplier,
            ..Settings::default()
        };
        eprintln!(
            "period {period:?}, detect multiplier {detect_multiplier}: {repetitions} of each ..."
        );
        all.extend(measure(settings, repetitions)?);
    }
    println!("{}", tables::outages(&all));
    println!("{}", tables::shares(&all));
    let folder = file.parent().context("the result lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = serde_json::to_string_pretty(&to_json(&all, repetitions))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("the same as JSON: {}", file.display());
    Ok(())
}

fn measure(settings: Settings, repetitions: usize) -> Result<Vec<Series>> {
    let mut cluster = Cluster::start(settings)?;
    let mut watch = cluster.lab().watch()?;
    sleep(WARM_UP);
    TRIALS
        .into_iter()
        .map(|trial| {
            let measured = series(trial, &mut cluster, &mut watch, repetitions);
            measured.with_context(|| cluster.story())
        })
        .collect()
}

fn series(
    trial: Trial,
    cluster: &mut Cluster,
    watch: &mut Watch,
    repetitions: usize,
) -> Result<Series> {
    let moved_before = moves(&answers(watch.client()?)).len();
    let mut outages = Vec::new();
    let mut shares = Vec::new();
    let (mut two_answer_ns, mut hiccup_ns, mut judged) = (0, 0, 0);
    let mut missed = 0;
    while outages.len() < repetitions {
        let Some(outcome) = trial.run(cluster, watch)? else {
            missed += 1;
            ensure!(
                missed <= repetitions,
                "the master is lost by itself more often than by the fault"
            );
            continue;
        };
        outages.extend(outcome.sight.outage.map(|outage| outage.length_ns()));
        shares.push(shares_of(cluster, &outcome)?);
        hiccup_ns = hiccup_ns.max(outcome.sight.hiccup_ns);
        two_answer_ns += outcome.sight.two_answer_ns();
        judged += outcome.sight.doubles.judged + outcome.sight.doubles.arp_judged;
    }
    let moved = moves(&answers(watch.client()?)).len() - moved_before;
    Ok(Series {
        period: cluster.settings().period,
        detect_multiplier: cluster.settings().detect_multiplier,
        trial,
        outage: Summary::of(outages).context("at least one repetition")?,
        shares: shares::summaries(&shares),
        two_answer_ns,
        hiccup_ns,
        spontaneous: moved.saturating_sub(repetitions),
        judged,
    })
}

fn shares_of(cluster: &Cluster, outcome: &Outcome) -> Result<Shares> {
    let history = cluster
        .daemon(outcome.to)
        .contact()
        .json(&["history", "--json"])?;
    Shares::of(&history, outcome).with_context(|| {
        format!(
            "no takeover of slot {} in its history: {history}",
            outcome.to
        )
    })
}

fn to_json(all: &[Series], repetitions: usize) -> Value {
    let series: Vec<Value> = all
        .iter()
        .map(|series| {
            let shares: serde_json::Map<String, Value> = series
                .shares
                .iter()
                .map(|(name, summary)| ((*name).to_owned(), summary.to_json()))
                .collect();
            json!({
                "period_us": u64::try_from(series.period.as_micros()).unwrap_or(u64::MAX),
                "detect_multiplier": series.detect_multiplier,
                "fault": series.trial.as_str(),
                "outage": series.outage.to_json(),
                "shares": shares,
                "two_answer_ns": series.two_answer_ns,
                "longest_hiccup_ns": series.hiccup_ns,
                "spontaneous_moves": series.spontaneous,
                "questions_judged": series.judged,
            })
        })
        .collect();
    json!({"schema": SCHEMA, "repetitions": repetitions, "series": series})
}
