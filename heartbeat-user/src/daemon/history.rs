//! What happened to this node: the last role changes, kept in memory and in a file.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;

use crate::control::{EpochParts, HistoryEntry, Role, TakeoverStamps};

/// Entries kept, in memory and on disk: years of an ordinary cluster, a day of one that flaps.
pub(super) const KEPT: usize = 1_000;
const FILE: &str = "history.jsonl";

/// The history of one node.
#[derive(Debug)]
pub(super) struct History {
    entries: VecDeque<HistoryEntry>,
    path: PathBuf,
    lines: usize,
}

impl History {
    /// Reads what earlier lives left in `folder`. A line that is not an entry (the machine died while it
    /// was written) is left out: the history is for people, nothing is decided by it.
    #[must_use]
    pub(super) fn open(folder: &std::path::Path) -> Self {
        let path = folder.join(FILE);
        let mut history = Self {
            entries: VecDeque::with_capacity(KEPT),
            path,
            lines: 0,
        };
        if let Ok(file) = File::open(&history.path) {
            for line in BufReader::new(file).lines().map_while(Result::ok) {
                history.lines += 1;
                if let Ok(entry) = serde_json::from_str(&line) {
                    history.recall(entry);
                }
            }
        }
        history
    }

    /// The entries, oldest first.
    #[must_use]
    pub(super) fn entries(&self) -> Vec<HistoryEntry> {
        self.entries.iter().cloned().collect()
    }

    /// Adds one entry.
    ///
    /// # Errors
    /// When the file cannot be written; the entry is kept in memory all the same.
    pub(super) fn push(&mut self, entry: HistoryEntry) -> io::Result<()> {
        let line = serde_json::to_string(&entry).map_err(io::Error::other)?;
        self.remember(entry);
        self.append(&line)
    }

    /// Adds the steps of a takeover to the promotion that it belongs to, in memory and as a fuller copy
    /// of the entry in the file; reading takes the later of two copies.
    ///
    /// # Errors
    /// When the file cannot be written; memory has it all the same.
    pub(super) fn complete(
        &mut self,
        epoch: EpochParts,
        takeover: TakeoverStamps,
    ) -> io::Result<()> {
        self.amend(epoch, |entry| entry.takeover = Some(takeover))
    }

    /// Adds to a takeover when another member saw this node answer.
    ///
    /// # Errors
    /// As [`History::complete`].
    pub(super) fn verified(&mut self, epoch: EpochParts, at_ns: u64) -> io::Result<()> {
        self.amend(epoch, |entry| {
            entry.takeover.get_or_insert_default().verified_ns = Some(at_ns);
        })
    }

    fn amend(
        &mut self,
        epoch: EpochParts,
        change: impl FnOnce(&mut HistoryEntry),
    ) -> io::Result<()> {
        let promotion =
            |entry: &&mut HistoryEntry| entry.epoch == epoch && entry.to == Role::Master;
        let Some(entry) = self.entries.iter_mut().rev().find(promotion) else {
            return Ok(());
        };
        change(entry);
        let line = serde_json::to_string(entry).map_err(io::Error::other)?;
        self.append(&line)
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.lines >= 2 * KEPT {
            return self.rewrite();
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        writeln!(file, "{line}")?;
        self.lines += 1;
        Ok(())
    }

    /// Takes an entry from the file; a fuller copy of an earlier one takes its place.
    fn recall(&mut self, entry: HistoryEntry) {
        let is_copy = |other: &&mut HistoryEntry| other.at == entry.at && other.to == entry.to;
        match self.entries.iter_mut().rev().find(is_copy) {
            Some(earlier) => *earlier = entry,
            None => self.remember(entry),
        }
    }

    fn remember(&mut self, entry: HistoryEntry) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Writes only what is kept, beside, then renames: the file stays bounded.
    fn rewrite(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        for entry in &self.entries {
            writeln!(
                file,
                "{}",
                serde_json::to_string(entry).map_err(io::Error::other)?
            )?;
        }
        fs::rename(&beside, &self.path)?;
        self.lines = self.entries.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> HistoryEntry {
        HistoryEntry {
            at: format!("2026-01-01T00:00:00.{number:03}Z"),
            slot: 1,
            from: Role::Candidate,
            to: Role::Master,
            epoch: EpochParts {
                round: number,
                slot: 1,
            },
            reason: "a test".to_owned(),
            duration_us: number,
            takeover: None,
        }
    }

    #[test]
    fn the_next_life_reads_what_this_one_wrote_with_its_takeover() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        history.push(entry(1)).unwrap();
        history.push(entry(2)).unwrap();
        let stamps = TakeoverStamps {
            added_ns: Some(7),
            ..TakeoverStamps::default()
        };
        history
            .complete(EpochParts { round: 1, slot: 1 }, stamps)
            .unwrap();
        history
            .verified(EpochParts { round: 1, slot: 1 }, 9)
            .unwrap();
        let again = History::open(folder.path()).entries();
        assert_eq!(again, history.entries());
        assert_eq!(again.len(), 2);
        let verified = TakeoverStamps {
            verified_ns: Some(9),
            ..stamps
        };
        assert_eq!(again[0].takeover, Some(verified));
    }

    #[test]
    fn a_torn_last_line_loses_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        history.push(entry(1)).unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.path().join(FILE))
            .unwrap();
        file.write_all(b"{\"at\":\"2026").unwrap();
        assert_eq!(History::open(folder.path()).entries(), vec![entry(1)]);
    }

    #[test]
    fn file_and_memory_stay_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        for number in 0..3 * KEPT as u64 {
            history.push(entry(number)).unwrap();
        }
        assert_eq!(history.entries().len(), KEPT);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.lines().count() <= 2 * KEPT, "{}", text.lines().count());
        assert_eq!(
            history.entries().last().unwrap().duration_us,
            3 * KEPT as u64 - 1
        );
    }
}
