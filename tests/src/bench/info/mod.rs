//! `cargo xtask bench info`: acknowledged writes a second, and how long one takes, beside etcd on the same nodes in the
//! same run. And what the writing does to the heartbeats, which is to be nothing.

mod etcd;
mod load;
mod ours;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use self::load::Load;
use crate::bench::tables::ms;
use crate::lab::alone::Alone;
use crate::lab::cluster::Cluster;
use crate::lab::settings::Settings;
use crate::lab::topology::Plan;

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// Numbers of electors that are measured.
const SIZES: [u16; 2] = [3, 5];
/// Clients that write at the same time, each one write after the other.
const CLIENTS: [usize; 2] = [1, 16];

/// One number of electors.
struct Size {
    electors: u16,
    ours: Vec<Load>,
    etcd: Vec<Load>,
    beats: ours::Beats,
}

/// Measures every size, prints the tables and writes the JSON.
///
/// # Errors
/// When one of the two does not come to life, or does not take a write.
pub fn info(file: &Path) -> Result<()> {
    let _alone = Alone::wait()?;
    let sizes: Vec<Size> = SIZES.into_iter().map(measure).collect::<Result<_>>()?;
    println!("{}", table(&sizes));
    println!("{}", beats(&sizes));
    let folder = file.parent().context("the result lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let all: Vec<Value> = sizes.iter().map(to_json).collect();
    let text = serde_json::to_string_pretty(&json!({"schema": SCHEMA, "sizes": all}))?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("the same as JSON: {}", file.display());
    Ok(())
}

/// heartbeatd runs all the while; etcd comes and goes beside it.
fn measure(electors: u16) -> Result<Size> {
    let settings = Settings {
        plan: Plan {
            nodes: electors,
            ..Plan::DEFAULT
        },
        ..Settings::DEFAULT
    };
    let cluster = Cluster::start(settings)?;
    eprintln!("{electors} electors, heartbeatd ...");
    let (ours, beats) = ours::measure(&cluster, &CLIENTS)?;
    eprintln!("{electors} electors, etcd ...");
    let etcd = etcd::measure(cluster.lab(), &CLIENTS)?;
    Ok(Size {
        electors,
        ours,
        etcd,
        beats,
    })
}

fn table(sizes: &[Size]) -> String {
    let mut text = format!(
        "| electors | clients | heartbeatd: writes a second | median | p99 | max | etcd: writes a second | median | p99 | max |\n\
         |{}\n",
        "---|".repeat(10)
    );
    for size in sizes {
        for (ours, etcd) in size.ours.iter().zip(&size.etcd) {
            let cells = |load: &Load| {
                format!(
                    "{:.0} | {} | {} | {}",
                    load.a_second(),
                    ms(load.latency.median_ns),
                    ms(load.latency.p99_ns),
                    ms(load.latency.max_ns)
                )
            };
            text += &format!(
                "| {} | {} | {} | {} |\n",
                size.electors,
                ours.clients,
                cells(ours),
                cells(etcd)
            );
        }
    }
    text
}

fn beats(sizes: &[Size]) -> String {
    let mut text = "| electors | turns while clients wrote | turn: median | 99.9 % | worst lateness | masterships lost |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for size in sizes {
        let it = &size.beats;
        text += &format!(
            "| {} | {} | {} us | {} us | {} us | {} |\n",
            size.electors,
            it.turns,
            it.median_turn_us,
            it.p999_turn_us,
            it.worst_lateness_us,
            it.lost
        );
    }
    text
}

fn to_json(size: &Size) -> Value {
    let all = |loads: &[Load]| loads.iter().map(Load::to_json).collect::<Vec<_>>();
    json!({
        "electors": size.electors,
        "heartbeatd": all(&size.ours),
        "etcd": all(&size.etcd),
        "beats": size.beats.to_json(),
    })
}
