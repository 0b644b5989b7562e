//! Removing what a dead daemon left. Its virtual addresses go first: without the gate, nothing else would
//! keep this node from answering for them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aya::maps::{Array, Map, MapData, MapError};
use heartbeat_wire::maps::{self, LAYOUT};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::Failure;
use crate::cli::default_bpf_dir;
use crate::config;
use crate::datapath::{self, DatapathError};
use crate::net::netlink::{Deleted, Netlink, NetlinkError, OwnerMark};
use crate::sys::lock::{FolderLock, FolderLockError};

/// Why not everything was removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DetachError {
    #[error("a live daemon{} uses {path}: stop it first (systemctl stop heartbeatd)", process(*.holder))]
    Alive { path: PathBuf, holder: Option<u32> },
    #[error(transparent)]
    Lock(FolderLockError),
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    #[error(transparent)]
    Address(#[from] NetlinkError),
    #[error(
        "{path} is on no bpf file system, so no daemon pinned anything there: correct --bpf-dir"
    )]
    NotBpffs { path: PathBuf },
    #[error("cannot read pinned map {path}: {source}; run as root")]
    Map { path: PathBuf, source: MapError },
    #[error(
        "{path} has no map of this version that names the cluster, so its virtual addresses could not be found: \
         leave --bpf-dir out and name the configuration with --config, or detach with the heartbeatctl that the dead \
         daemon came with"
    )]
    NoCluster { path: PathBuf },
    #[error("cannot look at or remove folder {path}: {source}")]
    Folder { path: PathBuf, source: io::Error },
}

impl From<FolderLockError> for DetachError {
    fn from(error: FolderLockError) -> Self {
        match error {
            FolderLockError::Held { path, holder } => Self::Alive { path, holder },
            FolderLockError::Open { .. } | FolderLockError::Lock { .. } => Self::Lock(error),
        }
    }
}

fn process(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl DetachError {
    pub(super) fn is_permission(&self) -> bool {
        let denied = |source: &io::Error| source.kind() == io::ErrorKind::PermissionDenied;
        match self {
            Self::Lock(FolderLockError::Open { source, .. }) | Self::Folder { source, .. } => {
                denied(source)
            }
            Self::Map { .. } => !nix::unistd::geteuid().is_root(),
            Self::Datapath(DatapathError::NoRights { .. }) => true,
            Self::Datapath(DatapathError::File { source, .. }) => denied(source),
            Self::Address(error) => error.is_denied(),
            Self::Alive { .. }
            | Self::Lock(_)
            | Self::Datapath(_)
            | Self::NotBpffs { .. }
            | Self::NoCluster { .. } => false,
        }
    }
}

/// Removes addresses, links and maps; the report has a line for each.
pub(super) fn detach(config: &Path, bpf_dir: Option<&Path>) -> Result<String, Failure> {
    let (folder, named) = match bpf_dir {
        Some(folder) => (folder.to_owned(), None),
        None => {
            let config = config::load(config)?;
            (default_bpf_dir(&config.cluster), Some(config.cluster_id))
        }
    };
    match folder.try_exists() {
        Ok(true) => Ok(remove(&folder, named)?),
        Ok(false) => Ok(format!(
            "nothing is pinned: there is no folder {}\n",
            folder.display()
        )),
        Err(source) => Err(DetachError::Folder {
            path: folder,
            source,
        }
        .into()),
    }
}

fn remove(folder: &Path, named: Option<u64>) -> Result<String, DetachError> {
    let kind = statfs(folder).map_err(|errno| DetachError::Folder {
        path: folder.to_owned(),
        source: errno.into(),
    })?;
    if kind.filesystem_type() != BPF_FS_MAGIC {
        return Err(DetachError::NotBpffs {
            path: folder.to_owned(),
        });
    }
    let _lock = FolderLock::take(folder)?;
    let mut report = String::new();
    if folder.join("links").exists() {
        let cluster = pinned_cluster(folder)?.or(named);
        let cluster = cluster.ok_or_else(|| DetachError::NoCluster {
            path: folder.to_owned(),
        })?;
        report += &remove_addresses(cluster)?;
    }
    let removed = datapath::detach(folder)?;
    for filter in removed.filters {
        report += &format!("removed {filter}\n");
    }
    for pin in removed.pins {
        report += &format!("removed {}\n", folder.join(pin).display());
    }
    fs::remove_dir(folder).map_err(|source| DetachError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    Ok(report + &format!("removed {}\n", folder.display()))
}

/// The cluster that the dead daemon wrote into its configuration map; none without such a map.
fn pinned_cluster(folder: &Path) -> Result<Option<u64>, DetachError> {
    let path = folder
        .join("maps")
        .join(format!("v{LAYOUT}"))
        .join(maps::name::CONFIG);
    if !path.exists() {
        return Ok(None);
    }
    read_cluster(&path).map_err(|source| DetachError::Map { path, source })
}

fn read_cluster(path: &Path) -> Result<Option<u64>, MapError> {
    let data = MapData::from_pin(path)?;
    // Read as another type, a value would be cut off or run over; the kernel compares nothing.
    if data.info()?.value_size() as usize != size_of::<maps::Config>() {
        return Ok(None);
    }
    let array = Array::<_, maps::Config>::try_from(Map::Array(data))?;
    let cluster = array.get(&0, 0)?.cluster_id;
    Ok(Some(cluster).filter(|cluster| *cluster != 0))
}

/// Deletes every address with the cluster's mark in this network namespace, the group's membership included.
fn remove_addresses(cluster: u64) -> Result<String, NetlinkError> {
    let mark = OwnerMark::of_cluster(cluster);
    let mut netlink = Netlink::open()?;
    let mut report = String::new();
    for entry in netlink.addresses()? {
        if mark.is_on(&entry)
            && netlink.delete_address(entry.link_index, entry.address)? == Deleted::Gone
        {
            report += &format!("removed address {}\n", entry.address);
        }
    }
    Ok(report)
}
