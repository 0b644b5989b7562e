//! The product's profiles, laid out so that the lab's nodes can use them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Where a configuration looks for profiles, and for their settings.
const INSTALLED: &str = "/usr/share/heartbeatd/profiles";
const SETTINGS: &str = "/etc/heartbeatd";
/// Anybody may run it.
const RUN: u32 = 0o111;
/// Root's program or folder.
const ROOTS: u32 = 0o755;

/// Names of all of them.
///
/// # Errors
/// When their folder cannot be read.
pub fn names() -> Result<Vec<String>> {
    let entries = fs::read_dir(source("")).context("no profiles")?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A profile's programs in a folder of its own, which goes with it, and a folder beside them for each node.
#[derive(Debug)]
pub struct Profile {
    name: String,
    folder: tempfile::TempDir,
}

impl Profile {
    /// Copies the profile's files.
    ///
    /// # Errors
    /// When it is not there, or the disk refuses.
    pub fn lay_out(name: &str) -> Result<Self> {
        let prefix = format!("heartbeat-{name}-");
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?;
        fs::set_permissions(folder.path(), Permissions::from_mode(ROOTS))?;
        let profile = Self {
            name: name.to_owned(),
            folder,
        };
        let entries = fs::read_dir(source(name)).with_context(|| format!("no profile {name}"))?;
        for entry in entries {
            let file = entry?;
            let copy = profile.folder.path().join(file.file_name());
            fs::copy(file.path(), &copy)?;
            let runs = file.metadata()?.mode() & RUN;
            fs::set_permissions(&copy, Permissions::from_mode(ROOTS & !RUN | runs))?;
        }
        Ok(profile)
    }

    /// Where its programs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the node in that slot; somebody has to make it.
    #[must_use]
    pub fn node(&self, slot: u16) -> PathBuf {
        self.folder.path().join(format!("n{slot}"))
    }

    /// The text of another of its files.
    ///
    /// # Errors
    /// When it has none of this name.
    pub fn text(&self, file: &str) -> Result<String> {
        let path = source(&self.name).join(file);
        fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))
    }

    /// The file of that slot's settings.
    #[must_use]
    pub fn settings(&self, slot: u16) -> PathBuf {
        self.folder.path().join(format!("n{slot}.env"))
    }

    /// Writes that slot's settings: those of the profile, with other values for these.
    ///
    /// # Errors
    /// When the profile has no such setting.
    pub fn set(&self, slot: u16, values: &[(&str, String)]) -> Result<()> {
        let mut text = self.text(&format!("{}.env", self.name))?;
        for (key, value) in values {
            let begin = format!("{key}=");
            let line = text.lines().find(|line| line.starts_with(&begin));
            let line = line.with_context(|| format!("the profile has no setting {key}"))?;
            text = text.replace(&format!("{line}\n"), &format!("{begin}{value}\n"));
        }
        fs::write(self.settings(slot), text).context("cannot write the settings")
    }

    /// The profile's part of the configuration, with `{slot}` for each node's own, and these texts replaced.
    ///
    /// # Errors
    /// When one of them is not in it.
    pub fn configuration(&self, replaced: &[(&str, String)]) -> Result<String> {
        let (name, folder) = (&self.name, self.folder.path().display().to_string());
        let mut text = self.text("heartbeatd.toml")?;
        let places = [
            (format!("{INSTALLED}/{name}"), folder.clone()),
            (
                format!("{SETTINGS}/{name}.env"),
                format!("{folder}/n{{slot}}.env"),
            ),
        ];
        let own = places.iter().map(|(from, to)| (from.as_str(), to));
        for (from, to) in own.chain(replaced.iter().map(|(from, to)| (*from, to))) {
            ensure!(text.contains(from), "the profile {name} has no {from}");
            text = text.replace(from, to);
        }
        Ok(text)
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging/profiles")
        .join(name)
}
