//! What must be there before the daemon starts anything: its slot, its folders, its locks, its interfaces.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use heartbeat_core::Epoch;

use super::electors;
use super::failure::Failure;
use super::interfaces::wait;
use super::last_run::LastRun;
use super::plan::Plan;
use super::shared::Facts;
use super::signals::Stop;
use crate::cli::daemon::Args;
use crate::config::Config;
use crate::net::netlink::{Link, Netlink};
use crate::state::StateFolder;
use crate::sys::clock;
use crate::sys::lock::{FolderLock, FolderLockError, holder_text};
use crate::web::{Exporter, Page};

/// What a pair lacks that goes by silence alone.
const PARTED: &str = "neither a reference nor a fence command is required in [pair]: where the two do not hear each \
                      other, both serve";

/// The ground that a daemon stands on.
pub(super) struct Ground {
    pub(super) plan: Plan,
    /// The configuration file.
    pub(super) file: PathBuf,
    pub(super) state: StateFolder,
    /// The highest epoch that this node ever stood in.
    pub(super) floor: Epoch,
    /// In a pair, what it was last.
    pub(super) last_run: LastRun,
    pub(super) netlink: Netlink,
    /// The status page: served from here on, and says what the daemon waits for.
    pub(super) page: Page,
    /// Its metrics.
    pub(super) exporter: Exporter,
    /// Held as long as the daemon lives.
    pub(super) locks: [FolderLock; 2],
}

impl Ground {
    /// Finds all but the interfaces.
    pub(super) fn find(
        args: &Args,
        bpf_dir: &Path,
        config: Config,
        facts: &Facts,
        page: Page,
        exporter: Exporter,
    ) -> Result<Self, Failure> {
        clock::check_time_namespace().map_err(Failure::config)?;
        let mut netlink = Netlink::open().map_err(Failure::of)?;
        let slot = own_slot(args, &config, &mut netlink)?;
        make_folder(bpf_dir)?;
        let pins = FolderLock::take(bpf_dir).map_err(Failure::of)?;
        let state = StateFolder::open(&args.state).map_err(Failure::of)?;
        let memory = lock_state(state.path())?;
        let floor = state.floor().map_err(Failure::of)?;
        let last_run = match &config.pair {
            Some(pair) => {
                if pair.references.is_empty() && pair.fence.is_none() {
                    facts.warn(PARTED.to_owned());
                }
                LastRun::read(&state, floor, facts).map_err(Failure::of)?
            }
            None => LastRun::unknown(),
        };
        let electors = electors::in_force(&state, &config).map_err(electors_failure)?;
        if let Some(differs) = electors.differs {
            facts.warn(differs);
        }
        let plan = Plan {
            config,
            slot,
            electors: electors.record,
        };
        page.go_by(plan.page());
        exporter.go_by(plan.exported());
        Ok(Self {
            plan,
            page,
            exporter,
            file: args.config.clone(),
            state,
            floor,
            last_run,
            netlink,
            locks: [pins, memory],
        })
    }

    /// Waits for the interfaces, and gives the management interface. `None` if the daemon was told to stop
    /// meanwhile.
    pub(super) fn interfaces(
        &mut self,
        stop: &Stop,
        tell: impl FnMut(String),
    ) -> Result<Option<Link>, Failure> {
        let wanted = self.plan.wanted();
        if !wait(&mut self.netlink, &wanted, stop, tell).map_err(Failure::of)? {
            return Ok(None);
        }
        let management = &self.plan.management().interface;
        self.netlink.link(management).map(Some).map_err(Failure::of)
    }
}

fn own_slot(args: &Args, config: &Config, netlink: &mut Netlink) -> Result<u16, Failure> {
    let addresses = netlink.addresses().map_err(Failure::of)?;
    let local: Vec<IpAddr> = addresses.iter().map(|address| address.address).collect();
    config.own_slot(&local, args.slot).map_err(Failure::config)
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|source| {
        Failure::of(PinFolderError {
            path: path.to_owned(),
            source,
        })
    })
}

/// Why the folder of pins could not be made.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot make folder {path}: {source}; it must be on a bpf file system (`mount -t bpf bpf /sys/fs/bpf`)"
)]
struct PinFolderError {
    path: PathBuf,
    source: std::io::Error,
}

/// Two clusters' daemons on one machine must not remember each other's epochs and electors.
fn lock_state(path: &Path) -> Result<FolderLock, Failure> {
    FolderLock::take(path).map_err(|error| match error {
        FolderLockError::Held { path, holder } => Failure::other(format!(
            "another daemon{} keeps its state in {}: stop it first, or give this one a folder of its own with --state",
            holder_text(holder),
            path.display()
        )),
        FolderLockError::Open { .. } | FolderLockError::Lock { .. } => Failure::of(error),
    })
}

fn electors_failure(error: electors::ElectorsError) -> Failure {
    match error {
        electors::ElectorsError::State(error) => Failure::of(error),
        electors::ElectorsError::NoMember { .. } | electors::ElectorsError::LeaseTooLong { .. } => {
            Failure::config(error)
        }
    }
}
