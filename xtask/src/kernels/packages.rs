//! Debian's kernel packages: the newest of a series, downloaded and unpacked, never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Kernels of one version of Linux, by how their packages' names begin and end.
pub(super) struct Series {
    /// What people call it.
    pub(super) linux: &'static str,
    begin: &'static str,
    end: &'static str,
}

/// What Debian 12 has: its own kernel, and that of Debian 13 built for it. Those for cloud machines are small
/// and have the same source.
pub(super) const SERIES: [Series; 2] = [
    Series {
        linux: "6.1",
        begin: "linux-image-6.1.0-",
        end: "-cloud-amd64",
    },
    Series {
        linux: "6.12",
        begin: "linux-image-6.12.",
        end: "+deb12-cloud-amd64",
    },
];

/// An unpacked kernel package.
#[derive(Debug)]
pub(super) struct Kernel {
    /// What `uname -r` says of it.
    pub(super) release: String,
    /// Debian's version of the package.
    pub(super) version: String,
    /// What the package holds.
    pub(super) root: PathBuf,
}

impl Kernel {
    /// The kernel itself.
    pub(super) fn image(&self) -> PathBuf {
        self.root.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// Its modules.
    pub(super) fn modules(&self) -> PathBuf {
        self.root.join("lib/modules").join(&self.release)
    }
}

/// Fetches the newest kernel of a series into `folder`, unless it is there.
///
/// # Errors
/// There is none, or it cannot be fetched or unpacked.
pub(super) fn fetch(series: &Series, folder: &Path) -> Result<Kernel> {
    let listed = workspace::output(Command::new("apt-cache").args(["pkgnames", series.begin]))
        .context("cannot ask apt-cache for kernels: this needs Debian's package lists")?;
    let Some(package) = newest(series, &listed) else {
        bail!(
            "apt offers no package {}*{}: `apt-get update` on Debian 12 lists them",
            series.begin,
            series.end
        );
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let archive = match archive_of(package, folder)? {
        Some(archive) => archive,
        None => {
            let mut download = Command::new("apt-get");
            download
                .args(["download", "-q", package])
                .current_dir(folder);
            workspace::run(&mut download, "apt-get must reach Debian's packages")?;
            archive_of(package, folder)?.context("apt-get downloaded nothing")?
        }
    };
    let root = folder.join(package);
    if !root.is_dir() {
        let half = folder.join("unpacking");
        let _ = fs::remove_dir_all(&half);
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(&archive).arg(&half);
        workspace::run(&mut unpack, "the archive is broken: remove it")?;
        fs::rename(&half, &root)?;
    }
    let name = archive
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let version = name.split('_').nth(1).unwrap_or_default().to_owned();
    Ok(Kernel {
        release: package.trim_start_matches("linux-image-").to_owned(),
        version,
        root,
    })
}

/// The package of the series with the highest number between beginning and end.
fn newest<'a>(series: &Series, listed: &'a str) -> Option<&'a str> {
    let number = |name: &str| {
        let number = name.strip_prefix(series.begin)?.strip_suffix(series.end)?;
        number.parse::<u32>().ok()
    };
    listed
        .lines()
        .filter_map(|name| Some((number(name)?, name)))
        .max()
        .map(|(_, name)| name)
}

/// `<package>_<version>_amd64.deb`, if it is there.
fn archive_of(package: &str, folder: &Path) -> Result<Option<PathBuf>> {
    let begin = format!("{package}_");
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&begin) && name.ends_with(".deb") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_one_with_the_highest_number_and_nothing_but_the_kernel() {
        let listed = "linux-image-6.1.0-9-cloud-amd64\nlinux-image-6.1.0-56-cloud-amd64\n\
                      linux-image-6.1.0-57-amd64\nlinux-image-6.1.0-58-cloud-amd64-unsigned\n";
        assert_eq!(
            newest(&SERIES[0], listed),
            Some("linux-image-6.1.0-56-cloud-amd64")
        );
        assert_eq!(newest(&SERIES[1], listed), None);
    }
}
