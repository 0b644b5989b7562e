//! What must never happen, and whether it did.

use std::collections::BTreeMap;
use std::fmt;

use heartbeat_core::Slot;
use heartbeat_store::{Key, Reign, Revision, Stamp, State};

/// What must never happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Something that was acknowledged is not in what a later leadership serves.
    Lost {
        /// Its key.
        key: Key,
        /// Its number.
        revision: Revision,
        /// Who acknowledged it.
        by: Reign,
        /// Who serves without it.
        server: Slot,
        /// Under which leadership.
        under: Reign,
    },
    /// Two states have one stamp.
    TwoStates {
        /// The stamp.
        stamp: Stamp,
        /// Where one of them is.
        slot: Slot,
    },
    /// A promise fell.
    PromiseFell {
        /// Where.
        slot: Slot,
    },
    /// A state went back.
    Fell {
        /// Where.
        slot: Slot,
        /// From which.
        from: Stamp,
        /// To which.
        to: Stamp,
    },
    /// A store thinks otherwise than its disk.
    UnlikeDisk {
        /// Where.
        slot: Slot,
    },
    /// An assertion of the product failed.
    Assertion(String),
}

/// What was acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    acknowledged: Vec<Acknowledged>,
    /// On how many disks each was by then.
    copies: Vec<usize>,
}

/// A write that a client was told is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Acknowledged {
    key: Key,
    revision: Revision,
    by: Reign,
}

impl Oracle {
    pub(crate) fn acknowledge(&mut self, key: Key, revision: Revision, by: Reign, copies: usize) {
        self.acknowledged.push(Acknowledged { key, revision, by });
        self.copies.push(copies);
    }

    /// All of it.
    pub(crate) fn acknowledged(&self) -> &[Acknowledged] {
        &self.acknowledged
    }

    pub(crate) fn copies(&self) -> Vec<usize> {
        self.copies.clone()
    }

    pub(crate) const fn count(&self) -> usize {
        self.acknowledged.len()
    }

    /// S4: whatever a leadership acknowledged is in what a later one serves.
    pub(crate) fn judge(&self, slot: Slot, under: Reign, served: &State) -> Result<(), Violation> {
        judge(&self.acknowledged, slot, under, served)
    }
}

/// S4, of some of what was acknowledged.
pub(crate) fn judge(
    acknowledged: &[Acknowledged],
    slot: Slot,
    under: Reign,
    served: &State,
) -> Result<(), Violation> {
    let is_missing = |written: &&Acknowledged| {
        let entry = served.entries().get(&written.key);
        written.by < under && entry.is_none_or(|entry| entry.changed.revision != written.revision)
    };
    match acknowledged.iter().find(is_missing) {
        None => Ok(()),
        Some(lost) => Err(Violation::Lost {
            key: lost.key.clone(),
            revision: lost.revision,
            by: lost.by,
            server: slot,
            under,
        }),
    }
}

/// Which state had a stamp, in everything that was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps(BTreeMap<Stamp, u64>);

impl Stamps {
    /// One state a stamp.
    pub(crate) fn judge(&mut self, slot: Slot, stamp: Stamp, digest: u64) -> Result<(), Violation> {
        if *self.0.entry(stamp).or_insert(digest) == digest {
            Ok(())
        } else {
            Err(Violation::TwoStates { stamp, slot })
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost {
                key,
                revision,
                by,
                server,
                under,
            } => write!(
                f,
                "S4: {key} was acknowledged as {revision} under {by:?}, and node {server} serves without it under {under:?}"
            ),
            Self::TwoStates { stamp, slot } => {
                write!(f, "two states are {stamp}, one of them at node {slot}")
            }
            Self::Fell { slot, from, to } => {
                write!(f, "node {slot}'s state went back from {from} to {to}")
            }
            Self::PromiseFell { slot } => write!(f, "node {slot}'s promise fell"),
            Self::UnlikeDisk { slot } => write!(f, "node {slot} thinks otherwise than its disk"),
            Self::Assertion(text) => write!(f, "an assertion failed: {text}"),
        }
    }
}
