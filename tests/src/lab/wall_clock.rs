//! A daemon's own wall clock, which is stepped while it runs: nobody else's goes with it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::paths;

/// The library that is loaded before the C library ([`crate::skip::Need::Program`] names it so).
pub const LIBRARY: &str = "libheartbeat_wall_clock.so";
/// Names the file to that library.
const VARIABLE: &str = "HEARTBEAT_WALL_CLOCK";

/// The clock of one daemon, as the file that says how far off it is.
#[derive(Debug)]
pub struct WallClock {
    file: PathBuf,
    library: PathBuf,
}

impl WallClock {
    /// One that is right, for the daemon with this folder.
    ///
    /// # Errors
    /// When the library was not built, or the disk refuses.
    pub fn new(folder: &Path) -> Result<Self> {
        let clock = Self {
            file: folder.join("wall-clock"),
            library: paths::program(LIBRARY)?,
        };
        fs::write(&clock.file, 0_i64.to_ne_bytes())
            .with_context(|| format!("cannot write {}", clock.file.display()))?;
        Ok(clock)
    }

    /// What this command starts goes by it.
    pub fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env(VARIABLE, &self.file);
    }

    /// From now on it is so many seconds ahead of the machine's.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set(&self, ahead: i64) -> Result<()> {
        let file = OpenOptions::new().write(true).open(&self.file)?;
        file.write_all_at(&ahead.to_ne_bytes(), 0)
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}
