//! Programs that the daemon runs.

use super::Config;
use super::alarms::Way;
use super::service::{Check, Recovery};

/// A program and its arguments; never a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file, its path from the root on, and then what it is given.
    pub words: Vec<String>,
    /// Who it is run as; `None`: who the daemon is.
    pub user: Option<User>,
}

/// Somebody of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

impl Config {
    /// Every program that the file names: hooks, fence command, checks and recoveries of services, sinks of alarms.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        let hooks = self.hooks.iter().flat_map(|hooks| {
            [&hooks.on_promote, &hooks.on_demote, &hooks.on_fault]
                .into_iter()
                .flatten()
        });
        let pair = self.pair.iter();
        let fences = pair.filter_map(|pair| Some(&pair.fence.as_ref()?.program));
        let services = self.services.iter().flat_map(|service| {
            let check = match &service.check {
                Check::Command(program) => Some(program),
                _ => None,
            };
            let recoveries = [&service.on_master, &service.on_slave]
                .into_iter()
                .flatten();
            check
                .into_iter()
                .chain(recoveries.filter_map(Recovery::program))
        });
        let sinks = self.alarms.sinks.iter().filter_map(|sink| match &sink.way {
            Way::Command(program) => Some(program),
            _ => None,
        });
        hooks.chain(fences).chain(services).chain(sinks)
    }
}
