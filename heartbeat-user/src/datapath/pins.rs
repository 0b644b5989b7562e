//! The pin folder: where maps and links outlive the daemon.
//!
//! `<bpf-dir>/maps/v<LAYOUT>/<map>` and `<bpf-dir>/links/<program>-<interface>`.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use aya::maps::{Map, MapData, MapError};
use aya::programs::links::PinnedLink;
use heartbeat_wire::maps::LAYOUT;
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use super::error::DatapathError;
use super::shapes::MapShape;

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

    /// The folder's path in the one way of writing it that is the same for every daemon.
    pub(super) fn identity(&self) -> PathBuf {
        self.root
            .canonicalize()
            .unwrap_or_else(|_| self.root.clone())
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

    /// The pinned map of that name.
    pub(super) fn open(&self, name: &str) -> Result<Map, MapError> {
        Map::from_map_data(MapData::from_pin(self.map(name))?)
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

    /// Whether a link of `program` to any interface is pinned.
    pub(super) fn has_link_of(&self, program: &str) -> Result<bool, DatapathError> {
        let links = files(&self.links())?;
        Ok(links.iter().any(|link| is_of(link, program)))
    }

    /// Makes room for new maps: removes those of every layout, and before them the links of
    /// `responders`, which would go on granting by words that nobody reads any more.
    ///
    /// The gate's links stay: behind them stands an address that must not open, and by their old words
    /// it never will.
    pub(super) fn start_anew(&self, responders: &[&str]) -> Result<(), DatapathError> {
        for link in files(&self.links())? {
            if responders.iter().any(|program| is_of(&link, program)) {
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

/// Whether a pinned link is one of `program`.
fn is_of(link: &Path, program: &str) -> bool {
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix(program)
        .is_some_and(|interface| interface.starts_with('-'))
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

    #[test]
    fn a_link_of_a_vlan_interface_has_a_name_that_a_bpf_file_system_takes() {
        let pins = Pins::existing(Path::new("/sys/fs/bpf/x"));
        assert_eq!(
            pins.link("gate_in", "eth0.10"),
            Path::new("/sys/fs/bpf/x/links/gate_in-eth0:10")
        );
    }

    #[test]
    fn a_link_is_told_by_its_programs_whole_name() {
        let link = Pins::existing(Path::new("/x")).link("heartbeat_tc", "eth0");
        assert!(is_of(&link, "heartbeat_tc"));
        assert!(!is_of(&link, "heartbeat"));
        assert!(!is_of(&link, "heartbeat_tc-eth"));
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
