//! A pin folder of a test's own.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use heartbeat_user::datapath::detach;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use crate::lab::clean::BPF_FOLDER;

/// A folder for pins that no other test uses; gone with all in it when dropped.
#[derive(Debug)]
pub struct PinFolder(pub PathBuf);

impl PinFolder {
    /// Names one, and mounts the bpf file system if nothing has.
    ///
    /// # Errors
    /// When it is not mounted and cannot be.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        mount_bpffs()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // The name by which the lab finds what a killed test leaves.
        let name = format!("hblab-{}-kernel{number}", std::process::id());
        Ok(Self(PathBuf::from(BPF_FOLDER).join(name)))
    }
}

impl Drop for PinFolder {
    fn drop(&mut self) {
        if let Err(error) = detach(&self.0) {
            eprintln!("cannot remove the pins of a test: {error}");
        }
        let _ = fs::remove_dir(&self.0);
    }
}

fn mount_bpffs() -> Result<()> {
    if statfs(BPF_FOLDER).is_ok_and(|stat| stat.filesystem_type() == BPF_FS_MAGIC) {
        return Ok(());
    }
    mount(
        Some("bpf"),
        BPF_FOLDER,
        Some("bpf"),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("cannot mount the bpf file system at {BPF_FOLDER}"))
}
