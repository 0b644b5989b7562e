//! What must be there before the daemon starts anything: its slot, its folders, its lock, its interfaces.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::electors::{self, ElectorsError};
use super::failure::Failure;
use super::interfaces::wait_until_up;
use super::plan::Plan;
use super::signals::Stop;
use crate::cli::daemon::Args;
use crate::cli::default_bpf_dir;
use crate::config::Config;
use crate::net::netlink::{Link, Netlink};
use crate::state::StateFolder;
use crate::sys::clock;
use crate::sys::lock::FolderLock;

/// The ground that a daemon stands on.
pub(super) struct Ground {
    pub(super) plan: Plan,
    pub(super) state: StateFolder,
    pub(super) bpf_dir: PathBuf,
    pub(super) netlink: Netlink,
    /// The management interface, up.
    pub(super) management: Link,
    /// Held as long as the daemon lives.
    pub(super) lock: FolderLock,
}

impl Ground {
    /// Finds it all, waiting for the interfaces. `None` if the daemon was told to stop while it waited.
    pub(super) fn find(args: &Args, config: Config, stop: &Stop) -> Result<Option<Self>, Failure> {
        clock::check_time_namespace().map_err(Failure::config)?;
        let mut netlink = Netlink::open().map_err(Failure::permission)?;
        let slot = own_slot(args, &config, &mut netlink)?;
        let bpf_dir = bpf_dir(args, &config);
        make_folder(&bpf_dir)?;
        let lock = FolderLock::take(&bpf_dir).map_err(Failure::other)?;
        let state = StateFolder::open(&args.state).map_err(Failure::other)?;
        let electors = electors::in_force(&state, &config).map_err(|error| match error {
            ElectorsError::State(error) => Failure::other(error),
            ElectorsError::NoMember { .. } | ElectorsError::LeaseTooLong { .. } => {
                Failure::config(error)
            }
        })?;
        if let Some(differs) = electors.differs {
            warn!("{differs}");
        }
        let plan = Plan {
            config,
            slot,
            electors: electors.set,
        };
        let management = plan.management().interface.clone();
        let Some(management) =
            wait_until_up(&mut netlink, &management, stop).map_err(Failure::other)?
        else {
            return Ok(None);
        };
        for interface in plan.gated() {
            if wait_until_up(&mut netlink, &interface, stop)
                .map_err(Failure::other)?
                .is_none()
            {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            plan,
            state,
            bpf_dir,
            netlink,
            management,
            lock,
        }))
    }
}

fn own_slot(args: &Args, config: &Config, netlink: &mut Netlink) -> Result<u16, Failure> {
    let addresses = netlink.addresses().map_err(Failure::other)?;
    let local: Vec<IpAddr> = addresses.iter().map(|address| address.address).collect();
    config.own_slot(&local, args.slot).map_err(Failure::config)
}

fn bpf_dir(args: &Args, config: &Config) -> PathBuf {
    args.bpf_dir
        .clone()
        .unwrap_or_else(|| default_bpf_dir(&config.cluster))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        let text = format!(
            "cannot make {}: {error}; it must be on a bpf file system (`mount -t bpf bpf /sys/fs/bpf`) and the daemon \
             must run as root",
            path.display()
        );
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => Failure::permission(text),
            _ => Failure::other(text),
        }
    })
}
