//! What the two nodes of a pair tell each other, and what each keeps on its disk.

use std::time::Duration;

use crate::Epoch;
use crate::snapshot::Role;

/// How long ago a node was last active as master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Age {
    /// So long.
    pub ago: Duration,
    /// It lies before the node's last boot, so that only the wall clock could tell. It loses to one that is not
    /// marked.
    pub is_marked: bool,
}

impl Age {
    /// Who is master now was active last just now.
    pub(super) const NOW: Self = Self {
        ago: Duration::ZERO,
        is_marked: false,
    };
}

/// What a node of a pair was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LastRole {
    /// It was not master when it ended, or was written down last.
    Slave,
    /// It was.
    Master,
}

/// What a node of a pair keeps on its disk about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PairRecord {
    /// What it is.
    pub last: LastRole,
    /// The newest mastership that it knows of.
    pub epoch: Epoch,
    /// How long before now it was last active as master; `None`: never.
    pub active: Option<Age>,
}

/// What a node of a pair says of itself, at one point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PairState {
    /// Its role.
    pub role: Role,
    /// Whether nothing but time keeps it from standing.
    pub eligible: bool,
    /// Whether it neither votes nor grants yet.
    pub abstains: bool,
    /// When it was last active as master; `None`: never.
    pub active: Option<Age>,
    /// The newest mastership that it knows of.
    pub epoch: Epoch,
    /// Its lease: the unit in which ages are compared, if its slot is the lower one.
    pub lease: Duration,
}
