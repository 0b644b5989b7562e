//! What a node of a pair keeps about itself.

use heartbeat_core::Instant;
use heartbeat_core::pair::{Age, PairRecord};

use super::Machine;

/// A record, and when it was saved, in which life of the machine.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct SavedPair {
    record: PairRecord,
    at: Instant,
    life: u64,
}

impl Machine {
    pub(crate) const fn save_pair(&mut self, record: PairRecord, at: Instant) {
        self.pair = Some(SavedPair {
            record,
            at,
            life: self.life,
        });
    }

    /// What the disk says of it `now`: an age from an older life lies before its boot.
    pub(super) fn saved_pair(&self, now: Instant) -> Option<PairRecord> {
        let SavedPair { record, at, life } = self.pair?;
        let active = record.active.map(|age| Age {
            ago: age.ago + now.since(at),
            is_marked: age.is_marked || life != self.life,
        });
        Some(PairRecord { active, ..record })
    }
}
