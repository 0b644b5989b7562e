//! A file system in memory, mounted as long as a test wants it: the disk that is full.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// A mounted tmpfs.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Makes the folder and mounts one there; `options` as mount(8) takes them.
    ///
    /// # Errors
    /// Without the right to, or when the folder cannot be made.
    pub fn tmpfs(folder: &Path, options: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        mount_tmpfs(folder, MsFlags::empty(), options)?;
        Ok(Self(folder.to_owned()))
    }

    /// Gives it these options.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remount(&self, options: &str) -> Result<()> {
        mount_tmpfs(&self.0, MsFlags::MS_REMOUNT, options)
    }
}

fn mount_tmpfs(folder: &Path, flags: MsFlags, options: &str) -> Result<()> {
    mount(Some("tmpfs"), folder, Some("tmpfs"), flags, Some(options))
        .with_context(|| format!("cannot mount a tmpfs on {}", folder.display()))
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Files in it may still be open: it goes with the last of them.
        if let Err(error) = umount2(&self.0, MntFlags::MNT_DETACH) {
            eprintln!("lab: cannot unmount {}: {error}", self.0.display());
        }
    }
}
