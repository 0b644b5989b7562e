//! Where a state stands: under whose leadership, and how many changes after the first.

use std::fmt;

use heartbeat_core::{Epoch, Instant};
use serde::{Deserialize, Serialize};

/// Number of a change, from 1; it grows by one with every change, through all masterships.
pub type Revision = u64;

/// One leadership of the store: a mastership, and when its leader began.
///
/// A daemon that is restarted in an orderly way keeps its epoch, and knows no longer what it was about to write under it.
/// So its next leader is another reign of the same epoch, above the one before: both began in one boot of one machine.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Reign {
    /// The mastership.
    pub epoch: Epoch,
    /// Nanoseconds of the master's CLOCK_BOOTTIME at which its leader began.
    pub began: u64,
}

/// Where a state stands. No two states ever have the same one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// The leadership that wrote it, or took it over.
    pub reign: Reign,
    /// The number of its newest change.
    pub revision: Revision,
}

impl Reign {
    /// None yet.
    pub const NONE: Self = Self {
        epoch: Epoch::NONE,
        began: 0,
    };

    /// The leadership of `epoch` that begins now.
    #[must_use]
    pub const fn new(epoch: Epoch, now: Instant) -> Self {
        Self {
            epoch,
            began: now.0,
        }
    }
}

impl Stamp {
    /// Where a new store stands: it holds nothing, and nobody ever wrote to it.
    pub const NONE: Self = Self {
        reign: Reign::NONE,
        revision: 0,
    };

    /// Whether anything was ever written.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = self.reign.epoch;
        write!(f, "{}.{}:{}", epoch.round(), epoch.slot(), self.revision)
    }
}
