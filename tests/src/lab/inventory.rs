//! What daemons hold of the machine: kernel objects, pins, addresses, files, threads, descriptors. Two of these,
//! taken before and after, show what was left behind.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::lab::cluster::Cluster;
use crate::lab::command::run;

/// Names that the daemons' kernel programs have.
const PROGRAMS: [&str; 3] = ["heartbeat", "gate_in", "gate_out"];
/// How names of their maps begin: their own, the log's, and constants of a program.
const MAPS: [&str; 4] = ["hb_", "AYA_LOG", ".rodata", "AYA_"];
/// What is there once something happened that no restart must do, and may, by a matter of milliseconds: an alarm was raised
/// by this node as master; a state of the dynamic information gave way to the master's.
const ALARMS: &str = "/state/alarms.json";
const GIVEN_WAY: &str = "/state/info-given-way/";
/// Most states that are kept of those, and one that is being written.
const MOST_GIVEN_WAY: usize = 5;

/// What all daemons of a cluster hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Kernel programs of their names.
    pub programs: usize,
    /// Maps of their names.
    pub maps: usize,
    /// Links to those programs.
    pub links: usize,
    /// Pins of each daemon.
    pub pins: Vec<String>,
    /// Addresses in each node's namespace.
    pub addresses: Vec<String>,
    /// Files of each daemon, without those that only tell what happened.
    pub files: Vec<String>,
    /// Threads of each daemon.
    pub threads: Vec<usize>,
    /// Open descriptors of each daemon.
    pub descriptors: Vec<usize>,
}

impl Inventory {
    /// What is held now.
    ///
    /// # Errors
    /// When bpftool or ip fails, a folder cannot be read, or more states of the dynamic information were kept than may be.
    pub fn take(cluster: &Cluster) -> Result<Self> {
        let programs = objects("prog")?;
        let ours = |object: &Value, names: &[&str]| {
            let name = object["name"].as_str().unwrap_or_default();
            names.iter().any(|known| name.starts_with(known))
        };
        let ids: Vec<u64> = programs
            .iter()
            .filter(|program| ours(program, &PROGRAMS))
            .filter_map(|program| program["id"].as_u64())
            .collect();
        let links = objects("link")?;
        let leads_to_ours =
            |link: &&Value| link["prog_id"].as_u64().is_some_and(|id| ids.contains(&id));
        let mut inventory = Self {
            programs: ids.len(),
            maps: objects("map")?
                .iter()
                .filter(|map| ours(map, &MAPS))
                .count(),
            links: links.iter().filter(leads_to_ours).count(),
            pins: Vec::new(),
            addresses: Vec::new(),
            files: Vec::new(),
            threads: Vec::new(),
            descriptors: Vec::new(),
        };
        for slot in cluster.lab().topology().slots() {
            inventory.add(cluster, slot)?;
        }
        Ok(inventory)
    }

    fn add(&mut self, cluster: &Cluster, slot: u16) -> Result<()> {
        let daemon = cluster.daemon(slot);
        self.pins.extend(files(daemon.pins())?);
        let (given_way, others): (Vec<String>, Vec<String>) = files(daemon.folder())?
            .into_iter()
            .partition(|file| file.contains(GIVEN_WAY));
        ensure!(given_way.len() <= MOST_GIVEN_WAY, "{given_way:?}");
        let lasting = others.into_iter().filter(|file| !file.ends_with(ALARMS));
        self.files.extend(lasting);
        let node = cluster.lab().topology().node(slot).name();
        for line in run("ip", &["-netns", node, "-o", "addr", "show"])?.lines() {
            // What an address is, without what is left of its lifetime.
            let words: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
            self.addresses.push(format!("n{slot} {}", words.join(" ")));
        }
        if let Some(process) = daemon.process() {
            let count = |what: &str| -> Result<usize> {
                Ok(fs::read_dir(format!("/proc/{process}/{what}"))?.count())
            };
            self.threads.push(count("task")?);
            self.descriptors.push(count("fd")?);
        }
        Ok(())
    }

    /// Whether nothing of any daemon is left in the kernel, and no pin.
    #[must_use]
    pub fn has_nothing_in_the_kernel(&self) -> bool {
        self.programs + self.maps + self.links == 0 && self.pins.is_empty()
    }
}

/// What `bpftool <kind> show` lists.
fn objects(kind: &str) -> Result<Vec<Value>> {
    let text = run("bpftool", &["-j", kind, "show"])?;
    let all: Value = serde_json::from_str(&text).context("bpftool prints JSON")?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

/// Every file below `folder`; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(found);
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    Ok(found)
}
