//! The pin folder: where maps and links outlive the daemon.
//!
//! `<bpf-dir>/maps/v<LAYOUT>/<map>` and `<bpf-dir>/links/<program>-<interface>`.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use aya::maps::{MapData, MapInfo, MapType};
use aya::programs::links::PinnedLink;
use heartbeat_wire::maps::{
    Address, Config, Control, EVENTS_BYTES, GateCounts, Grant, Histogram, Interface, Keys, LAYOUT,
    Limits, MAX_INTERFACES, MAX_VIPS, Member, REPLIES_CHUNK, Replies, SENT_RECORDS, Sent, Verdicts,
    Vip, name,
};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::error::DatapathError;

/// BPF_F_MMAPABLE (linux/bpf.h).
const MMAPABLE: u32 = 1 << 10;

/// How one map must look, so that a pinned one can be taken up: aya compares nothing by itself.
pub(super) struct MapShape {
    pub(super) name: &'static str,
    kind: MapType,
    key_bytes: usize,
    value_bytes: usize,
    /// A pinned map may have more.
    pub(super) entries: u32,
    flags: u32,
}

/// The shapes of all maps in a cluster whose highest slot is `max_slot`.
pub(super) fn shapes(max_slot: u16) -> [MapShape; 16] {
    let slots = slot_entries(max_slot);
    let chunks = slots / REPLIES_CHUNK as u32;
    let one = |name, kind, value_bytes| MapShape::new(name, kind, 4, value_bytes, 1);
    let array = MapType::Array;
    let per_cpu = MapType::PerCpuArray;
    [
        one(name::CONFIG, array, size_of::<Config>()),
        one(name::KEYS, array, size_of::<Keys>()),
        MapShape::new(name::MEMBERS, array, 4, size_of::<Member>(), slots),
        MapShape::new(
            name::INTERFACES,
            MapType::Hash,
            4,
            size_of::<Interface>(),
            MAX_INTERFACES as u32,
        ),
        one(name::CONTROL, array, size_of::<Control>()).mmapable(),
        one(name::GRANT, array, size_of::<Grant>()).mmapable(),
        MapShape::new(name::SENT, array, 4, size_of::<Sent>(), SENT_RECORDS as u32).mmapable(),
        MapShape::new(name::REPLIES, per_cpu, 4, size_of::<Replies>(), chunks),
        one(name::VERDICTS, per_cpu, size_of::<Verdicts>()),
        one(name::RTT, per_cpu, size_of::<Histogram>()),
        one(name::GAP, per_cpu, size_of::<Histogram>()),
        MapShape::new(name::EVENTS, MapType::RingBuf, 0, 0, EVENTS_BYTES as u32),
        MapShape::new(
            name::VIPS,
            MapType::Hash,
            size_of::<Address>(),
            size_of::<Vip>(),
            MAX_VIPS as u32,
        ),
        one(name::GATE, per_cpu, size_of::<GateCounts>()),
        one(name::LIMITS, per_cpu, size_of::<Limits>()),
        MapShape::new(name::REFUSALS, per_cpu, 4, size_of::<u64>(), slots),
    ]
}

/// Entries of the maps by slot: slot 0 is nobody's. A power of two and never few, so that a cluster can
/// grow without new maps; not always the most possible, since a per-CPU map costs this on every CPU.
fn slot_entries(max_slot: u16) -> u32 {
    const FEWEST: u32 = 64;
    (u32::from(max_slot) + 1).next_power_of_two().max(FEWEST)
}

impl MapShape {
    const fn new(
        name: &'static str,
        kind: MapType,
        key_bytes: usize,
        value_bytes: usize,
        entries: u32,
    ) -> Self {
        Self {
            name,
            kind,
            key_bytes,
            value_bytes,
            entries,
            flags: 0,
        }
    }

    const fn mmapable(mut self) -> Self {
        self.flags = MMAPABLE;
        self
    }

    fn check(&self, path: &Path, info: &MapInfo) -> Result<(), DatapathError> {
        let differs = |what, found: u64, expected: u64| DatapathError::OtherLayout {
            path: path.to_owned(),
            what,
            found,
            expected,
        };
        let kind = info.map_type().map_or(u64::MAX, |kind| kind as u64);
        let exact = [
            ("type", kind, self.kind as u64),
            ("key size", info.key_size().into(), self.key_bytes as u64),
            (
                "value size",
                info.value_size().into(),
                self.value_bytes as u64,
            ),
            ("flags", info.map_flags().into(), self.flags.into()),
        ];
        for (what, found, expected) in exact {
            if found != expected {
                return Err(differs(what, found, expected));
            }
        }
        if info.max_entries() < self.entries {
            return Err(differs(
                "number of entries",
                info.max_entries().into(),
                self.entries.into(),
            ));
        }
        Ok(())
    }
}

/// The folder and its parts.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    root: PathBuf,
}

impl Pins {
    /// The folder at `root`, which is made with its parts if missing.
    pub(super) fn make(root: &Path) -> Result<Self, DatapathError> {
        check_bpffs(root)?;
        let pins = Self::existing(root);
        for folder in [pins.maps(), pins.links()] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|source| match source.raw_os_error() {
                    Some(libc::EPERM | libc::EACCES) => DatapathError::NoRights {
                        what: format!("make folder {}", folder.display()),
                    },
                    _ => file_error("make folder", &folder)(source),
                })?;
        }
        Ok(pins)
    }

    /// The folder at `root`, whatever is in it.
    pub(super) fn existing(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn all_maps(&self) -> PathBuf {
        self.root.join("maps")
    }

    /// Where this layout's maps are pinned.
    pub(super) fn maps(&self) -> PathBuf {
        self.all_maps().join(format!("v{LAYOUT}"))
    }

    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    /// Where the link of `program` to `interface` is pinned. A bpf file system takes no dots in names,
    /// and an interface's name can hold a dot but never a colon.
    pub(super) fn link(&self, program: &str, interface: &str) -> PathBuf {
        self.links()
            .join(format!("{program}-{}", interface.replace('.', ":")))
    }

    /// Compares the maps that are pinned with their shapes; the first of those that are not.
    pub(super) fn check_maps(
        &self,
        shapes: &[MapShape],
    ) -> Result<Option<&'static str>, DatapathError> {
        let mut missing = None;
        for shape in shapes {
            let path = self.map(shape.name);
            if !path.exists() {
                missing = missing.or(Some(shape.name));
                continue;
            }
            let info = MapData::from_pin(&path)
                .and_then(|map| map.info())
                .map_err(|source| DatapathError::Map {
                    what: "open pinned",
                    map: shape.name,
                    source,
                })?;
            shape.check(&path, &info)?;
        }
        Ok(missing)
    }

    /// Removes the links (so that nothing answers or is held back any more), then the maps of every
    /// layout; the root folder stays. Returns the pins removed, by their path below the root.
    pub(super) fn remove_all(&self) -> Result<Vec<String>, DatapathError> {
        let mut removed = self.remove_links()?;
        for layout in files(&self.all_maps())? {
            removed.append(&mut remove_maps(&layout)?);
            remove_folder(&layout)?;
        }
        remove_folder(&self.all_maps())?;
        remove_folder(&self.links())?;
        Ok(removed
            .iter()
            .map(|path| path.strip_prefix(&self.root).unwrap_or(path))
            .map(|path| path.display().to_string())
            .collect())
    }

    /// Removes the pinned links, which detaches the programs.
    pub(super) fn remove_links(&self) -> Result<Vec<PathBuf>, DatapathError> {
        let links = files(&self.links())?;
        for link in &links {
            remove_link(link)?;
        }
        Ok(links)
    }

    /// Makes room for new maps: removes those of every layout, and before them the links of
    /// `responder`, which would go on granting by words that nobody reads any more.
    ///
    /// The gate's links stay: behind them stands an address that must not open, and by their old words
    /// it never will.
    pub(super) fn start_anew(&self, responder: &str) -> Result<(), DatapathError> {
        let prefix = format!("{responder}-");
        for link in files(&self.links())? {
            let name = link.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with(&prefix) {
                remove_link(&link)?;
            }
        }
        for layout in files(&self.all_maps())? {
            remove_maps(&layout)?;
            if layout != self.maps() {
                remove_folder(&layout)?;
            }
        }
        Ok(())
    }
}

/// Removes a pinned link. The link is held open meanwhile: the last one to close it detaches at once,
/// while a pin that is removed alone leaves that to a kernel worker some time later.
pub(super) fn remove_link(path: &Path) -> Result<(), DatapathError> {
    let link = PinnedLink::from_pin(path).ok();
    fs::remove_file(path).map_err(file_error("remove pinned link", path))?;
    drop(link);
    Ok(())
}

fn remove_maps(layout: &Path) -> Result<Vec<PathBuf>, DatapathError> {
    let maps = files(layout)?;
    for map in &maps {
        fs::remove_file(map).map_err(file_error("remove pinned map", map))?;
    }
    Ok(maps)
}

/// What lies in `folder`, in order of names; nothing if it does not exist.
fn files(folder: &Path) -> Result<Vec<PathBuf>, DatapathError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file_error("read folder", folder)(error)),
    };
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(file_error("read folder", folder))?;
    files.sort();
    Ok(files)
}

fn remove_folder(folder: &Path) -> Result<(), DatapathError> {
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(file_error("remove folder", folder)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn file_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> DatapathError {
    let path = path.to_owned();
    move |source| DatapathError::File {
        what,
        path: path.clone(),
        source,
    }
}

/// Asks the nearest folder that exists on which kind of file system it lies.
fn check_bpffs(root: &Path) -> Result<(), DatapathError> {
    let existing = root
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    let stat = statfs(existing).map_err(|errno| file_error("look at", existing)(errno.into()))?;
    if stat.filesystem_type() == BPF_FS_MAGIC {
        Ok(())
    } else {
        Err(DatapathError::NotBpffs {
            path: root.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heartbeat_wire::maps::MAPS;

    #[test]
    fn every_map_has_a_shape_and_no_other() {
        let shapes = shapes(3);
        let mut shaped: Vec<&str> = shapes.iter().map(|shape| shape.name).collect();
        let mut named: Vec<&str> = MAPS.iter().map(|map| map.name).collect();
        shaped.sort_unstable();
        named.sort_unstable();
        assert_eq!(shaped, named);
    }

    #[test]
    fn maps_by_slot_have_room_for_the_highest_slot_and_for_growth() {
        assert_eq!(slot_entries(1), 64);
        assert_eq!(slot_entries(63), 64);
        assert_eq!(slot_entries(64), 128);
        assert_eq!(slot_entries(10_000), 16_384);
    }

    #[test]
    fn a_link_of_a_vlan_interface_has_a_name_that_a_bpf_file_system_takes() {
        let pins = Pins::existing(Path::new("/sys/fs/bpf/x"));
        assert_eq!(
            pins.link("gate_in", "eth0.10"),
            Path::new("/sys/fs/bpf/x/links/gate_in-eth0:10")
        );
    }

    #[test]
    fn a_folder_elsewhere_is_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("pins");
        let error = Pins::make(&root).expect_err("it is no bpf file system");
        assert!(
            matches!(&error, DatapathError::NotBpffs { path } if *path == root),
            "{error}"
        );
        assert!(!root.exists());
    }
}
