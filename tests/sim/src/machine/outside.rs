//! What a pair's daemon has beside its peer: references, a fence command, and a record on its disk.

use heartbeat_core::Instant;
use heartbeat_core::pair::PairRecord;
use heartbeat_core::service::Services;

use super::{Machine, Out};

/// What came of something that the daemon asked for outside the cluster.
#[derive(Clone, Copy, Debug)]
pub enum Outside {
    /// A reference answered this question.
    Reference {
        /// The question's id.
        id: u64,
        /// Which reference.
        reference: u8,
    },
    /// This run of the fence command has ended.
    Fenced {
        /// The run's id.
        id: u64,
        /// Whether it succeeded.
        done: bool,
    },
    /// The services on this machine are like this now.
    Services(Services),
}

/// A pair's record on the disk, its age as the time that it was counted back from.
#[derive(Clone, Copy, Debug)]
pub struct Saved {
    record: PairRecord,
    /// When it was saved, in true time.
    at: u64,
    /// The machine's life then.
    life: u64,
}

impl Machine {
    pub(super) fn ask_references(&mut self, id: u64) {
        self.out.push(Out::Reference { id });
    }

    pub(super) fn save_pair(&mut self, record: PairRecord, at: u64) {
        self.pair = Some(Saved {
            record,
            at,
            life: self.kernel.config.incarnation,
        });
    }

    /// What the disk says of it at true time `at`. What was saved in another life of the machine was before its boot,
    /// so that only the wall clock tells, which is `wall_off` ahead.
    pub(super) fn saved_pair(&self, at: u64) -> Option<PairRecord> {
        let saved = self.pair.as_ref()?;
        let is_older = saved.life != self.kernel.config.incarnation;
        let off = if is_older { self.wall_off } else { 0 };
        let passed = (at - saved.at).saturating_add_signed(off);
        let active = saved.record.active.map(|age| {
            let ago = Instant::ZERO + age.ago;
            heartbeat_core::pair::Age {
                ago: std::time::Duration::from_nanos(ago.0 + passed),
                is_marked: age.is_marked || is_older,
            }
        });
        Some(PairRecord {
            active,
            ..saved.record
        })
    }
}
