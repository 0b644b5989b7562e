//! What a search of a pair bounds.

use std::time::Duration;

use heartbeat_core::Epoch;
use heartbeat_core::config::Mode;
use heartbeat_core::pair::{Age, LastRole, PairRecord};

use crate::scope::Scope;

/// What a search begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// A master and its slave.
    Settled,
    /// Two machines that are off, whose disks say that both were master, or neither.
    Off {
        /// Whether they say master.
        masters: bool,
    },
}

impl Begins {
    /// What the disk of this place says at the beginning: the second one was active later, if both were.
    pub(super) fn record(self, place: usize, lease: Duration) -> PairRecord {
        let was_master = match self {
            Self::Settled => place == 0,
            Self::Off { masters } => masters,
        };
        let last = if was_master {
            LastRole::Master
        } else {
            LastRole::Slave
        };
        let leases = if place == 0 { 6 } else { 3 };
        let active = was_master.then(|| Age {
            ago: lease * leases,
            is_marked: false,
        });
        PairRecord {
            last,
            epoch: Epoch::NONE,
            active,
        }
    }
}

/// What may still change around the two, or come late, on a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Changes {
    /// Links that are cut or joined, references that are lost or back: so many changes.
    pub around: u8,
    /// Ticks in which everything that is sent arrives in the next one only.
    pub slow: u8,
    /// Runs of the fence command that fail.
    pub failures: u8,
}

/// One search's pair and bounds.
#[derive(Clone, Debug)]
pub struct PairScope {
    /// The two, their times, and what may befall them.
    pub cluster: Scope,
    /// What may change around them.
    pub changes: Changes,
    /// What it begins with.
    pub begins: Begins,
}

impl PairScope {
    /// Whether two leases may run in the excepted case: a fence command leaves none.
    pub(super) fn has_exception(&self) -> bool {
        matches!(self.cluster.mode, Mode::Pair(rules) if rules.fence.is_none())
    }
}
