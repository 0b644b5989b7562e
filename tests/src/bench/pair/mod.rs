//! `cargo xtask bench pair`: how long the client of two machines waits, with this product's pair and with a lock in
//! ZooKeeper, in one run.

mod fault;
mod ours;
mod zookeeper;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::fault::{FAULTS, Fault};
use crate::bench::statistics::Summary;
use crate::bench::tables::ms;
use crate::lab::alone::Alone;
use crate::report::sight::Sight;

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// How many times shorter the outage of a node's death is to be.
const WANTED: f64 = 50.0;

/// What one side made of one fault, all repetitions.
struct Series {
    fault: Fault,
    outage: Summary,
    /// Two-answer time of all repetitions together, in nanoseconds.
    two_answer_ns: u64,
}

impl Series {
    fn of(fault: Fault, sights: &[Sight]) -> Result<Self> {
        let outages = sights.iter().map(|sight| {
            let outage = sight.outage.context("the service never came back")?;
            Ok(outage.length_ns())
        });
        let outages: Vec<u64> = outages.collect::<Result<_>>()?;
        Ok(Self {
            fault,
            outage: Summary::of(outages).context("at least one repetition")?,
            two_answer_ns: sights.iter().map(Sight::two_answer_ns).sum(),
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "fault": self.fault.as_str(),
            "outage": self.outage.to_json(),
            "two_answer_ns": self.two_answer_ns,
        })
    }
}

/// Measures everything `repetitions` times, prints the table and writes the JSON.
///
/// # Errors
/// When one of the two does not come to life again, or the file cannot be written.
pub fn pair(repetitions: usize, file: &Path) -> Result<()> {
    let _alone = Alone::wait()?;
    eprintln!("this product: {repetitions} of each ...");
    let ours = ours::measure(repetitions)?;
    eprintln!("a lock in ZooKeeper: {repetitions} of each, some seconds each ...");
    let theirs = zookeeper::measure(repetitions)?;
    println!("{}", table(&ours, &theirs));
    let folder = file.parent().context("the result lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let all = |side: &[Series]| side.iter().map(Series::to_json).collect::<Vec<_>>();
    let result = json!({
        "schema": SCHEMA,
        "repetitions": repetitions,
        "heartbeatd": all(&ours),
        "zookeeper": all(&theirs),
    });
    fs::write(file, serde_json::to_string_pretty(&result)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("the same as JSON: {}", file.display());
    let (fault, shorter) = times_shorter(&ours, &theirs)
        .find(|(fault, _)| *fault == Fault::NodeDeath)
        .context("a node's death is one of the faults")?;
    ensure!(
        shorter >= WANTED,
        "after a {} the outage is {shorter:.0} times shorter, aimed at are {WANTED:.0}",
        fault.as_str()
    );
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some seconds in nanoseconds are exact in a double"
)]
fn times_shorter(ours: &[Series], theirs: &[Series]) -> impl Iterator<Item = (Fault, f64)> {
    ours.iter().zip(theirs).map(|(ours, theirs)| {
        let ratio = theirs.outage.median_ns as f64 / ours.outage.median_ns as f64;
        (ours.fault, ratio)
    })
}

fn table(ours: &[Series], theirs: &[Series]) -> String {
    let mut text = format!(
        "| fault | n | heartbeatd: median | max | two-answer time | ZooKeeper: median | max | two-answer time | times shorter |\n\
         |{}\n",
        "---|".repeat(9)
    );
    for ((ours, theirs), (fault, shorter)) in
        ours.iter().zip(theirs).zip(times_shorter(ours, theirs))
    {
        let cells = |side: &Series| {
            format!(
                "{} | {} | {}",
                ms(side.outage.median_ns),
                ms(side.outage.max_ns),
                ms(side.two_answer_ns)
            )
        };
        text += &format!(
            "| {} | {} | {} | {} | {shorter:.0} |\n",
            fault.as_str(),
            ours.outage.count,
            cells(ours),
            cells(theirs),
        );
    }
    text
}

/// Runs every fault so many times, in turn.
fn series(
    repetitions: usize,
    mut suffer: impl FnMut(Fault) -> Result<Sight>,
) -> Result<Vec<Series>> {
    let one = |fault: Fault| {
        let sights: Vec<Sight> = (0..repetitions)
            .map(|_| suffer(fault))
            .collect::<Result<_>>()?;
        Series::of(fault, &sights)
    };
    FAULTS.into_iter().map(one).collect()
}
