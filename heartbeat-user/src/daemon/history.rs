//! What happened to this node: the last role changes, and what its services and hooks did, in memory and in a file.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tracing::warn;

use crate::control::{EpochParts, Event, HistoryEntry, Role, TakeoverStamps};

/// Role changes kept, in memory and on disk, and as many other events: years of an ordinary cluster, a day of one that
/// flaps. A service that flaps pushes no role change out.
pub(super) const KEPT: usize = 1_000;
const FILE: &str = "history.jsonl";

/// The history of one node.
#[derive(Debug)]
pub(super) struct History {
    roles: VecDeque<Kept<HistoryEntry>>,
    others: VecDeque<Kept<Event>>,
    /// How many were ever kept in this life.
    numbered: u64,
    path: PathBuf,
    lines: usize,
}

/// Something that happened, by its place among all: wall clocks are set back, and order is not theirs to tell.
#[derive(Debug)]
struct Kept<T> {
    number: u64,
    what: T,
}

impl History {
    /// Reads what earlier lives left in `folder`. A line that is not an entry (the machine died while it
    /// was written) is left out: the history is for people, nothing is decided by it.
    #[must_use]
    pub(super) fn open(folder: &std::path::Path) -> Self {
        let path = folder.join(FILE);
        let mut history = Self {
            roles: VecDeque::with_capacity(KEPT),
            others: VecDeque::new(),
            numbered: 0,
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

    /// All of it, oldest first.
    #[must_use]
    pub(super) fn events(&self) -> Vec<Event> {
        let roles = self.roles.iter();
        let roles = roles.map(|kept| (kept.number, Event::Role(kept.what.clone())));
        let others = self.others.iter();
        let others = others.map(|kept| (kept.number, kept.what.clone()));
        let mut events: Vec<_> = roles.chain(others).collect();
        events.sort_by_key(|(number, _)| *number);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// Adds one entry.
    ///
    /// # Errors
    /// When the file cannot be written; the entry is kept in memory all the same.
    pub(super) fn push(&mut self, entry: HistoryEntry) -> io::Result<()> {
        let line = serde_json::to_string(&entry).map_err(io::Error::other)?;
        remember(&mut self.roles, &mut self.numbered, entry);
        self.append(&line)
    }

    /// Adds what a service or a hook did.
    ///
    /// # Errors
    /// As [`History::push`].
    pub(super) fn note(&mut self, event: Event) -> io::Result<()> {
        let line = serde_json::to_string(&event).map_err(io::Error::other)?;
        remember(&mut self.others, &mut self.numbered, event);
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
        let mut newest_first = self.roles.iter_mut().rev().map(|kept| &mut kept.what);
        let Some(entry) = newest_first.find(promotion) else {
            return Ok(());
        };
        change(entry);
        let line = serde_json::to_string(entry).map_err(io::Error::other)?;
        self.append(&line)
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.lines >= 4 * KEPT {
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

    /// Takes a line of the file; a fuller copy of an earlier role change takes its place.
    fn recall(&mut self, event: Event) {
        let entry = match event {
            Event::Role(entry) => entry,
            other @ (Event::Service(_)
            | Event::Hook(_)
            | Event::FirstMaster(_)
            | Event::Slot(_)) => {
                return remember(&mut self.others, &mut self.numbered, other);
            }
        };
        let is_copy = |other: &&mut HistoryEntry| other.at == entry.at && other.to == entry.to;
        let mut newest_first = self.roles.iter_mut().rev().map(|kept| &mut kept.what);
        match newest_first.find(is_copy) {
            Some(earlier) => *earlier = entry,
            None => remember(&mut self.roles, &mut self.numbered, entry),
        }
    }

    /// Writes only what is kept, beside, then renames: the file stays bounded.
    fn rewrite(&mut self) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        let events = self.events();
        for event in &events {
            let line = serde_json::to_string(event).map_err(io::Error::other)?;
            writeln!(file, "{line}")?;
        }
        fs::rename(&beside, &self.path)?;
        self.lines = events.len();
        Ok(())
    }
}

fn remember<T>(kept: &mut VecDeque<Kept<T>>, numbered: &mut u64, what: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    *numbered += 1;
    let number = *numbered;
    kept.push_back(Kept { number, what });
}

/// Writes what is told until nobody tells any more.
///
/// # Errors
/// When there is no thread to be had.
pub(super) fn keep(history: Arc<Mutex<History>>, events: Receiver<Event>) -> io::Result<()> {
    let write = move || {
        for event in events {
            // Nothing in the history is left half done by a panic elsewhere.
            let mut history = history.lock().unwrap_or_else(PoisonError::into_inner);
            tell_unwritten(history.note(event));
        }
    };
    thread::Builder::new()
        .name("diary".into())
        .spawn(write)
        .map(drop)
}

pub(super) fn tell_unwritten(written: io::Result<()>) {
    if let Err(error) = written {
        warn!(%error, "the history file could not be written; `heartbeatctl history` shows it until the daemon ends");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ServiceEvent, ServiceWord};

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

    fn failure(number: u64) -> Event {
        Event::Service(ServiceEvent {
            at: format!("2026-01-02T00:00:00.{number:09}Z"),
            service: "web".to_owned(),
            from: ServiceWord::Healthy,
            to: ServiceWord::Recovering,
            attempts: 0,
            reason: "a test".to_owned(),
            duration_us: number,
        })
    }

    #[test]
    fn what_happened_stays_in_its_order_when_the_wall_clock_is_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        history.push(entry(9)).unwrap();
        history.note(failure(1)).unwrap();
        history.push(entry(3)).unwrap();
        history.note(failure(0)).unwrap();
        let expected = [
            Event::Role(entry(9)),
            failure(1),
            Event::Role(entry(3)),
            failure(0),
        ];
        assert_eq!(history.events(), expected);
        assert_eq!(History::open(folder.path()).events(), expected);
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
        let again = History::open(folder.path());
        assert_eq!(again.events(), history.events());
        assert_eq!(again.roles.len(), 2);
        let verified = TakeoverStamps {
            verified_ns: Some(9),
            ..stamps
        };
        assert_eq!(again.roles[0].what.takeover, Some(verified));
    }

    #[test]
    fn a_service_that_flaps_pushes_no_role_change_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        history.push(entry(1)).unwrap();
        for number in 0..5 * KEPT as u64 {
            history.note(failure(number)).unwrap();
        }
        let again = History::open(folder.path()).events();
        assert_eq!(again, history.events());
        assert_eq!(again.len(), 1 + KEPT);
        assert_eq!(again[0], Event::Role(entry(1)));
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
        assert_eq!(
            History::open(folder.path()).events(),
            [Event::Role(entry(1))]
        );
    }

    #[test]
    fn file_and_memory_stay_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = History::open(folder.path());
        for number in 0..5 * KEPT as u64 {
            history.push(entry(number)).unwrap();
        }
        assert_eq!(history.roles.len(), KEPT);
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.lines().count() <= 4 * KEPT, "{}", text.lines().count());
        assert_eq!(
            history.roles.back().unwrap().what.duration_us,
            5 * KEPT as u64 - 1
        );
    }
}
