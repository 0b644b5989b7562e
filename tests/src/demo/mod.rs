//! The demo: a cluster, or a pair, on this machine loses its master in four ways, and a client watches.

pub mod display;
pub mod kept;
pub mod summary;
mod told;

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::demo::display::Display;
use crate::demo::summary::{Line, table};
use crate::lab::addresses::{CONTROL_PORT, HEARTBEAT_PORT, NETWORKS, Network, VIRTUAL_ADDRESS};
use crate::lab::alone::Alone;
use crate::lab::clean::BPF_FOLDER;
use crate::lab::cluster::Cluster;
use crate::lab::settings::Settings;
use crate::lab::watch::Watch;
use crate::paths;
use crate::picture::{Panel, draw};
use crate::trial::{TRIALS, Trial};

/// Where the picture goes, below the target folder.
const PICTURE: &str = "demo/timeline.svg";
/// Each node serves the status page, so the address of the master's leads to it.
const PAGE: &str = "\n[http]\nlisten = \"business:7480\"\n";
const PAGE_PORT: u16 = 7480;
/// How long the healthy cluster is shown before the first fault, and after each.
const LOOK: Duration = Duration::from_secs(1);

/// What is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Three nodes, of which a majority elects
    #[default]
    Quorum,
    /// Two nodes alone, with a reference
    Pair,
}

impl What {
    const fn settings(self) -> Settings {
        match self {
            Self::Quorum => Settings {
                more: Some(PAGE),
                slot_addresses: true,
                ..Settings::DEFAULT
            },
            Self::Pair => Settings {
                more: Some(PAGE),
                ..Settings::PAIR
            },
        }
    }
}

/// Runs the demo; with `keep`, the lab stays until this process is ended.
///
/// # Errors
/// When the lab cannot be built, or the cluster does not come to life again after a fault.
pub fn run(what: What, keep: bool) -> Result<ExitCode> {
    let settings = what.settings();
    println!(
        "starting {} nodes, each a network namespace with a daemon of its own ...\n",
        settings.plan.nodes
    );
    let alone = Alone::wait()?;
    let mut cluster = Cluster::start(settings)?;
    let mut watch = cluster.lab().watch()?;
    kept::store(&cluster)?;
    let display = Display::start(cluster.contacts(), std::io::stdout().is_terminal());
    display.tell("all nodes agree: the lowest slot is master, and holds the address");
    sleep(LOOK);
    let mut lines = Vec::new();
    let mut panels = Vec::new();
    for trial in TRIALS {
        let (line, panel) = show(trial, &mut cluster, &mut watch, &display)?;
        lines.push(line);
        panels.push(panel);
    }
    display.end();
    println!("\n{}", table(&lines, &settings));
    println!("who answered when: {}", save(&panels)?.display());
    println!("{}", kept::read(&cluster)?);
    println!("{}", told::told(&cluster)?);
    println!(
        "the master's status page: {} on the business network",
        page(&settings)
    );
    let kept = lines.iter().all(Line::as_promised);
    println!(
        "{}",
        if kept {
            "all went as promised"
        } else {
            "NOT all went as promised"
        }
    );
    if keep {
        // Looking around measures nothing.
        drop(alone);
        hold(&cluster);
    }
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(
    trial: Trial,
    cluster: &mut Cluster,
    watch: &mut Watch,
    display: &Display,
) -> Result<(Line, Panel)> {
    display.tell(&format!("{}: {}", trial.as_str(), trial.story()));
    let outcome = trial
        .run(cluster, watch)
        .with_context(|| cluster.story())?
        .context(
            "the master was lost by itself just before the fault; is the machine very busy?",
        )?;
    let settings = *cluster.settings();
    let line = Line::of(trial, &outcome, &settings);
    display.tell(&line.sentence());
    sleep(LOOK);
    let title = format!("{}: {}", trial.as_str(), trial.story());
    let lease_ns = u64::try_from(settings.lease().as_nanos())?;
    let panel = Panel::of(&title, &outcome.sight, watch, settings.plan.nodes, lease_ns)?;
    Ok((line, panel))
}

fn save(panels: &[Panel]) -> Result<PathBuf> {
    let path = paths::target_folder()?.join(PICTURE);
    let folder = path.parent().context("the picture lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(&path, draw(panels)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Where the master's status page is.
fn page(settings: &Settings) -> String {
    format!("http://{}:{PAGE_PORT}/", settings.virtual_address())
}

/// Shows how to look around and waits; the lab goes when this process does.
fn hold(cluster: &Cluster) -> ! {
    let daemon = cluster.daemon(1);
    let node = cluster.lab().topology().node(1).name();
    let bridges = NETWORKS.map(|network| cluster.lab().topology().bridge(network).name());
    let control = paths::program("heartbeatctl").map_or_else(
        |_| "heartbeatctl".to_owned(),
        |path| path.display().to_string(),
    );
    println!(
        "\nThe lab stays until you press Ctrl-C. Look around from another terminal:\n\
         \n  {control} --control {socket} status\
         \n  {control} --control {socket} explain\
         \n  {control} --control {socket} maps\
         \n  {control} --control {socket} top\
         \n  {control} --control {socket} history --cluster\
         \n  {control} --control {socket} info list\
         \n  {control} --control {socket} alarms\
         \n  {control} --control {socket} nodes\
         \n  ip netns exec {client} curl -s {page}api/v1/status\
         \n  bpftool map show pinned {pins}/maps/*/hb_verdicts\
         \n  ip netns exec {node} ip addr\
         \n  ip netns exec {management} tcpdump -lni br0 udp port {HEARTBEAT_PORT} or udp port {CONTROL_PORT}\
         \n  ip netns exec {business} tcpdump -lni any arp and host {VIRTUAL_ADDRESS}\
         \n\nThe nodes' folders and logs are in {folder}, their pins in {BPF_FOLDER}.",
        socket = daemon.socket().display(),
        pins = daemon.pins().display(),
        client = cluster.lab().topology().client().name(),
        page = page(cluster.settings()),
        management = bridges[Network::Management as usize],
        business = bridges[Network::Business as usize],
        folder = cluster.lab().folder().display(),
    );
    loop {
        sleep(Duration::from_secs(3_600));
    }
}
