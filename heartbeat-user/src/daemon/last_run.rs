//! What a node of a pair was last: read at the start, written behind the pulse.

use heartbeat_core::pair::{Age, LastRole, PairRecord};
use heartbeat_core::{Epoch, Instant};

use super::shared::Facts;
use crate::state::{Clocks, StateError, StateFolder};
use crate::sys::clock::boot_ns;

/// What the disk says, and when it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRun {
    record: Option<PairRecord>,
    read_at: Instant,
}

impl LastRun {
    /// In a cluster that goes by a majority nobody asks.
    pub(super) fn unknown() -> Self {
        Self {
            record: None,
            read_at: Instant(boot_ns()),
        }
    }

    /// Reads it. A record that is damaged is told and counts as a slave's, which takes nothing without its peer's
    /// vote or evidence.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub(super) fn read(
        state: &StateFolder,
        floor: Epoch,
        facts: &Facts,
    ) -> Result<Self, StateError> {
        let read_at = Instant(boot_ns());
        let record = match state.pair() {
            Err(StateError::Damaged { path, source }) => {
                facts.warn(format!(
                    "state file {} is damaged ({source}): this node begins as a slave, whatever it was last",
                    path.display()
                ));
                Some(PairRecord {
                    last: LastRole::Slave,
                    epoch: floor,
                    active: None,
                })
            }
            read => read?,
        };
        Ok(Self { record, read_at })
    }

    /// The record, its age counted up to `now`.
    pub(super) fn at(&self, now: Instant) -> Option<PairRecord> {
        self.record.map(|record| older(record, self.read_at, now))
    }
}

/// Saves what the election said at `at`, some time later.
///
/// # Errors
/// When the file cannot be written or synced.
pub(super) fn save(state: &StateFolder, record: PairRecord, at: Instant) -> Result<(), StateError> {
    let clocks = Clocks::read()?;
    let now = Instant(clocks.boot_ns);
    state.save_pair(&older(record, at, now), &clocks)
}

fn older(record: PairRecord, then: Instant, now: Instant) -> PairRecord {
    let passed = now.since(then);
    PairRecord {
        active: record.active.map(|age| Age {
            ago: age.ago.saturating_add(passed),
            ..age
        }),
        ..record
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_age_grows_while_the_record_waits() {
        let record = PairRecord {
            last: LastRole::Master,
            epoch: Epoch::new(7, 1),
            active: Some(Age {
                ago: Duration::from_millis(3),
                is_marked: false,
            }),
        };
        let later = older(record, Instant(5_000_000), Instant(9_000_000));
        assert_eq!(later.active.unwrap().ago, Duration::from_millis(7));
        assert_eq!((later.last, later.epoch), (record.last, record.epoch));
    }

    #[test]
    fn a_damaged_record_is_told_and_counts_as_a_slaves() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("pair.json"), b"{}").unwrap();
        let facts = Facts::default();
        let floor = Epoch::new(9, 2);
        let record = LastRun::read(&state, floor, &facts)
            .unwrap()
            .at(Instant(boot_ns()))
            .unwrap();
        assert_eq!(
            (record.last, record.epoch, record.active),
            (LastRole::Slave, floor, None)
        );
        let warnings = facts.warnings();
        assert!(
            warnings[0].contains("pair.json") && warnings[0].contains("as a slave"),
            "{warnings:?}"
        );
    }
}
