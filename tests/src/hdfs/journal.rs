//! When a NameNode was active: it says so again and again while it is, so that its death is in it too.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use heartbeat_user::sys::clock::boot_ns;

/// Its file, in a NameNode's folder.
const FILE: &str = "active";

/// A time in which a NameNode was active without a break, in nanoseconds of CLOCK_BOOTTIME.
pub type Reign = (u64, u64);

/// What a NameNode writes.
#[derive(Debug)]
pub struct Journal(PathBuf);

impl Journal {
    /// In that folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }

    /// It became active just now.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn begins(&self) -> Result<()> {
        self.write("begins")
    }

    /// It still is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn goes_on(&self) -> Result<()> {
        self.write("goes-on")
    }

    fn write(&self, word: &str) -> Result<()> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).open(&self.0);
        let mut file = file.with_context(|| format!("cannot open {}", self.0.display()))?;
        file.write_all(format!("{} {word}\n", boot_ns()).as_bytes())?;
        Ok(())
    }
}

/// All reigns of the NameNode in that folder.
///
/// # Errors
/// When they cannot be read.
pub fn reigns(folder: &Path) -> Result<Vec<Reign>> {
    let text = match fs::read_to_string(folder.join(FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let mut reigns: Vec<Reign> = Vec::new();
    for line in text.lines() {
        let (at_ns, word) = line.split_once(' ').context("two words a line")?;
        let at_ns = at_ns.parse()?;
        match reigns.last_mut() {
            Some(reign) if word == "goes-on" => reign.1 = at_ns,
            _ => reigns.push((at_ns, at_ns)),
        }
    }
    Ok(reigns)
}

/// Those of the one that overlap with those of the other.
#[must_use]
pub fn overlaps(one: &[Reign], other: &[Reign]) -> Vec<(Reign, Reign)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
    pairs.filter(|(a, b)| a.0 <= b.1 && b.0 <= a.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reign_lasts_from_its_beginning_to_its_last_word() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = "10 begins\n20 goes-on\n25 goes-on\n70 begins\n";
        fs::write(folder.path().join(FILE), text).expect("writable");
        let own = reigns(folder.path()).expect("it was active");
        assert_eq!(own, [(10, 25), (70, 70)]);
        assert_eq!(overlaps(&own, &[(26, 60)]), []);
        assert_eq!(overlaps(&own, &[(25, 60)]), [((10, 25), (25, 60))]);
        assert_eq!(overlaps(&own, &[(1, 90)]).len(), 2);
    }
}
