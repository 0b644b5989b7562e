//! Which pinned map holds what, and the line that shows it.

use std::path::{Path, PathBuf};

use heartbeat_wire::maps::{LAYOUT, MAPS};
use serde::{Deserialize, Serialize};

/// One pinned map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedMap {
    /// Its name, as bpftool shows it.
    pub name: String,
    /// What it holds, and who writes it.
    pub what: String,
    /// Where it is pinned.
    pub path: PathBuf,
    /// The command that dumps it with its fields named.
    pub dump: String,
}

/// Every map below the pin folder.
#[must_use]
pub fn pinned_maps(bpf_dir: &Path) -> Vec<PinnedMap> {
    let folder = bpf_dir.join("maps").join(format!("v{LAYOUT}"));
    let map = |map: &heartbeat_wire::maps::MapInfo| {
        let path = folder.join(map.name);
        PinnedMap {
            name: map.name.to_owned(),
            what: map.what.to_owned(),
            dump: format!("bpftool map dump pinned {}", path.display()),
            path,
        }
    };
    MAPS.iter().map(map).collect()
}
